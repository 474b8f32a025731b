"""The loop that keeps a directory equal to a stage.

An event says *that* the pointer moved; *where* it stands is read from the stage, in one consistent answer
with its revision. So of many pending events only the newest pointer is brought up, and the revision moves
past all of them at once. The stage is also read at every start, after every trouble and now and then without
one, so that whatever an event failed to bring about comes about later.

A failure that is the registry's absence, or a token it no longer takes, leaves the revision where it is. Any
other is reported and the revision moves on, while what ran before stays; as it may be this machine's and not the
version's, the version is tried again, less and less often, until it runs or is no longer wanted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from muniment import errors

from muniment_deployer.activation import Activator
from muniment_deployer.errors import WatchEnded
from muniment_deployer.pauses import Backoff, Pauses
from muniment_deployer.registry import Event, Registry, Stage, Watch
from muniment_deployer.reports import Report
from muniment_deployer.rollout import Desired, Rollout
from muniment_deployer.state import Memory, State, StateFile
from muniment_deployer.supply import Supply
from muniment_deployer.versions import VersionStore

log = logging.getLogger(__name__)

MOVES = ("stage.promoted", "stage.rolled_back")
_AWAY = (errors.Unavailable, errors.DeadlineExceeded, WatchEnded)


class Controller:
    """Follows one stage of one model until told to stop."""

    def __init__(
        self,
        registry: Registry,
        *,
        model: str,
        stage: str,
        versions: VersionStore,
        state_file: StateFile,
        activator: Activator,
        tell: Callable[[Report], None],
        pauses: Pauses | None = None,
    ) -> None:
        self._registry = registry
        self._pauses = pauses or Pauses()
        self._stopping = threading.Event()
        self._watch: Watch | None = None
        stored = state_file.load(model, stage)
        if stored is None and state_file.damaged:
            log.warning("the stored state cannot be understood: starting from what is in %s", stage)
        self._fresh = stored is None
        self._memory = Memory(state_file, stored or State(model=model, stage=stage))
        self._rollout = Rollout(
            supply=Supply(registry, model=model, versions=versions),
            versions=versions,
            activator=activator,
            memory=self._memory,
            tell=tell,
        )
        self._away = Backoff(self._pauses.first, self._pauses.longest)
        self._retries = Backoff(self._pauses.first_retry, self._pauses.longest_retry)
        self._failed: tuple[int, str] | None = None
        """The version that is wanted and did not come up."""
        self._retry_at = 0.0
        self._followed = -1

    def run(self) -> None:
        """Bring up what should run, then follow the stage; returns after ``stop``.

        Raises:
            MunimentError: on the first contact only, when the registry refuses this deployer for good.
        """
        while not self._stopping.is_set():
            try:
                self._settle()
                self._fresh = False
                self._follow()
            except (errors.MunimentError, WatchEnded) as error:
                if self._fresh and not isinstance(error, _AWAY):
                    raise
                if isinstance(error, errors.InvalidField):
                    self._begin_anew(str(error))
                else:
                    log.warning("waiting for the registry: %s", error)
                self._followed = -1
                self._stopping.wait(self._away.next())

    def stop(self) -> None:
        """End ``run`` as soon as the step under way is done; may be called from any thread."""
        self._stopping.set()
        watch = self._watch
        if watch is not None:
            watch.close()

    def _settle(self) -> None:
        """Bring up what ran before if nothing runs, then what the stage holds now."""
        due = time.monotonic() >= self._retry_at
        tried = [desired.version for desired in self._rollout.restore()] if due else []
        stage = self._stage()
        if stage is None:
            self._failed = None
            return
        if stage.head_revision < self._memory.state.revision:
            self._begin_anew(f"the newest revision is {stage.head_revision}")
        state = self._memory.state
        desired = Desired(stage.number, stage.digest, max(stage.revision, state.revision))
        if not desired.number:
            self._failed = None
            if self._fresh:
                log.info("%s of %s is empty: waiting", state.stage, state.model)
        elif desired.version in tried:
            self._fail(desired)
        elif due or desired.version != self._failed:
            self._act(desired)
        # Everything up to head_revision is in what was just read.
        if stage.head_revision > self._memory.state.revision or self._fresh:
            self._memory.change(revision=max(self._memory.state.revision, stage.head_revision))

    def _stage(self) -> Stage | None:
        """Where the stage stands, or None while its model does not exist."""
        state = self._memory.state
        try:
            return self._registry.stage(state.model, state.stage)
        except errors.ModelNotFound:
            log.info("model %s does not exist: waiting for its move to %s", state.model, state.stage)
            return None

    def _begin_anew(self, how: str) -> None:
        """Forget the revision: it is of a registry that was here before, or of a later state of this one."""
        log.warning(
            "the registry does not know revision %d (%s): it is another one, or was restored from a backup; "
            "starting from what is in %s",
            *(self._memory.state.revision, how, self._memory.state.stage),
        )
        self._memory.change(revision=0)
        self._rollout.forget_reports()

    def _follow(self) -> None:
        """Act on each move after the stored revision, until it is time to look at the stage again."""
        state = self._memory.state
        begun = time.monotonic()
        patience = self._retry_at - begun if self._failed else self._pauses.resync
        self._watch = watch = self._registry.watch(
            after=state.revision, model=state.model, stage=state.stage, types=MOVES
        )
        looking = threading.Event()

        def look_again() -> None:
            looking.set()
            watch.close()

        timer = threading.Timer(max(patience, 0), look_again)
        timer.daemon = True
        try:
            if self._stopping.is_set():  # stop() may have looked for a watch just before there was one
                return
            timer.start()
            if state.revision != self._followed:  # taken up again only because it was time to look
                self._followed = state.revision
                log.info("watching %s of %s after revision %d", state.stage, state.model, state.revision)
            for event in watch:
                self._away.reset()
                if self._stopping.is_set():
                    return
                if event.revision <= self._memory.state.revision or event.type not in MOVES:
                    continue
                self._act_on(event)
                if self._failed:  # the time to look again is another one now
                    return
        finally:
            timer.cancel()
            watch.close()
            self._watch = None
            if time.monotonic() - begun > self._pauses.longest:
                self._away.reset()  # it went well for a while: a new trouble, not the old one
        if not self._stopping.is_set() and not looking.is_set():
            raise WatchEnded("the registry ended the watch")

    def _act_on(self, event: Event) -> None:
        """Bring up what the stage points to now that it moved."""
        verb = "rolled back" if event.type == "stage.rolled_back" else "promoted"
        log.info("revision %d: %s %s to version %d", event.revision, event.actor, verb, event.number)
        stage = self._stage()
        if stage is None:
            self._failed = None
            return
        if stage.revision >= event.revision:
            desired = Desired(stage.number, stage.digest, stage.revision)
        else:  # the answer is older than the event: it came from a replica that lags
            desired = Desired(event.number, event.digest, event.revision)
        if desired.number:
            self._act(desired)
        else:
            self._failed = None
            self._memory.change(revision=desired.revision)

    def _act(self, desired: Desired) -> None:
        if self._rollout.act(desired):
            self._failed = None
            self._retry_at = 0.0
            self._retries.reset()
        else:
            self._fail(desired)

    def _fail(self, desired: Desired) -> None:
        """Remember to try again, and take the time from the beginning for a version that failed just now."""
        if desired.version != self._failed:
            self._retries.reset()
        self._failed = desired.version
        self._retry_at = time.monotonic() + self._retries.next()
