"""The loop that keeps a directory equal to a stage.

An event says *that* the pointer moved; *where* it stands is read from the stage, in one consistent answer
with its revision. So of many pending events only the newest pointer is brought up, and the revision moves
past all of them at once. A failure that is the registry's absence, or a token it no longer takes, leaves the
revision where it is: the event comes again. Any other failure is the version's own: it is reported, the
revision moves on, and what ran before stays.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from muniment import errors

from muniment_deployer.activation import Activator, Prepared
from muniment_deployer.errors import DeploymentFailed, WatchEnded
from muniment_deployer.registry import DeploymentState, Event, Registry, Watch
from muniment_deployer.reports import MESSAGE_LIMIT, Report
from muniment_deployer.state import State, StateFile
from muniment_deployer.supply import Supply
from muniment_deployer.versions import LocalVersion, VersionStore, directory_name

log = logging.getLogger(__name__)

OLD_VERSIONS_KEPT = 2
"""Besides the one that runs: a rollback to the one or two before needs no transfer."""

MOVES = ("stage.promoted", "stage.rolled_back")

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0

_PASSING = (errors.Unavailable, errors.DeadlineExceeded, errors.Unauthenticated, errors.PermissionDenied)
"""Refusals that say nothing about the version: wait, and act on the same event again."""


@dataclass(frozen=True)
class Desired:
    """Where the stage points, and the revision this was true at."""

    number: int
    digest: str
    revision: int


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
    ) -> None:
        self._registry = registry
        self._versions = versions
        self._supply = Supply(registry, model=model, versions=versions)
        self._state_file = state_file
        self._activator = activator
        self._tell = tell
        self._stopping = threading.Event()
        self._watch: Watch | None = None
        self._running: LocalVersion | None = None
        stored = state_file.load(model, stage)
        if stored is None and state_file.damaged:
            log.warning("the stored state cannot be understood: starting from what is in %s", stage)
        self._fresh = stored is None
        self._state = stored or State(model=model, stage=stage)

    def run(self) -> None:
        """Bring up what should run, then follow the stage; returns after ``stop``.

        Raises:
            MunimentError: on the first contact only, when the registry refuses this deployer for good.
        """
        if self._state.number:
            self._patiently(self._restore)
        if self._fresh:
            self._patiently(self._begin, refusal_is_final=True)
        elif self._state.failure:
            log.info("version in %s did not come up last time: trying it once more", self._state.stage)
            self._patiently(lambda: self._act(at_least=self._state.revision))
        self._patiently(self._follow)

    def stop(self) -> None:
        """End ``run`` as soon as the step under way is done; may be called from any thread."""
        self._stopping.set()
        watch = self._watch
        if watch is not None:
            watch.close()

    def _patiently(self, step: Callable[[], None], *, refusal_is_final: bool = False) -> None:
        """Do a step, again and again while the registry is away, with growing pauses."""
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                step()
                return
            except (errors.MunimentError, WatchEnded) as error:
                away = isinstance(error, errors.Unavailable | errors.DeadlineExceeded | WatchEnded)
                if refusal_is_final and not away:
                    raise
                log.warning("waiting for the registry: %s", error)
            if time.monotonic() - begun > _LONGEST_PAUSE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS  # it went well for a while: a new trouble, not the old one
            self._stopping.wait(random.uniform(pause / 2, pause))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _restore(self) -> None:
        """After a restart: what ran before runs again, from disk, even while the registry is away."""
        state = self._state
        log.info("state: version %d ran, events up to revision %d are done", state.number, state.revision)
        desired = Desired(state.number, state.digest, state.revision)
        failure = self._deploy(desired, restoring=True)
        if failure:
            self._report("FAILED", desired, failure)

    def _begin(self) -> None:
        """Without a state: what the stage holds now is where to start."""
        state = self._state
        try:
            stage = self._registry.stage(state.model, state.stage)
        except errors.ModelNotFound:
            log.info(
                "model %s does not exist yet: waiting for its first move to %s", state.model, state.stage
            )
            self._remember(replace(state, revision=0))
            return
        if stage.number:
            log.info("%s of %s is version %d", state.stage, state.model, stage.number)
            self._act(at_least=0)
        else:
            log.info("%s of %s is empty: waiting", state.stage, state.model)
        # Everything up to head_revision is in what was just read.
        self._remember(replace(self._state, revision=max(self._state.revision, stage.head_revision)))

    def _follow(self) -> None:
        """Act on each move after the stored revision, until the watch is closed."""
        state = self._state
        self._watch = self._registry.watch(
            after=state.revision, model=state.model, stage=state.stage, types=MOVES
        )
        try:
            if self._stopping.is_set():  # stop() may have looked for a watch just before there was one
                return
            log.info("watching %s of %s after revision %d", state.stage, state.model, state.revision)
            for event in self._watch:
                if self._stopping.is_set():
                    return
                if event.revision <= self._state.revision or event.type not in MOVES:
                    continue
                self._log_event(event)
                self._act(at_least=event.revision, event=event)
        finally:
            self._watch.close()
            self._watch = None
        if not self._stopping.is_set():
            raise WatchEnded("the registry ended the watch")

    def _log_event(self, event: Event) -> None:
        verb = "rolled back" if event.type == "stage.rolled_back" else "promoted"
        log.info("revision %d: %s %s to version %d", event.revision, event.actor, verb, event.number)

    def _act(self, *, at_least: int, event: Event | None = None) -> None:
        """Bring up what the stage points to now, and move the revision past it, whatever came of it."""
        stage = self._registry.stage(self._state.model, self._state.stage)
        if stage.revision >= at_least or event is None:
            desired = Desired(stage.number, stage.digest, max(stage.revision, at_least))
        else:  # the answer is older than the event: it came from a replica that lags
            desired = Desired(event.number, event.digest, event.revision)
        if not desired.number:
            self._remember(replace(self._state, revision=desired.revision))
            return
        if self._runs(desired):
            log.info("version %d runs already", desired.number)
            self._remember(replace(self._state, revision=desired.revision, failure=""))
            self._report("RUNNING", desired)
            return
        self._report("DEPLOYING", desired)
        failure = self._deploy(desired)
        if failure:
            self._remember(replace(self._state, revision=desired.revision, failure=failure))
            self._report("FAILED", desired, failure)

    def _runs(self, desired: Desired) -> bool:
        running = self._running
        return running is not None and (running.number, running.digest) == (desired.number, desired.digest)

    def _deploy(self, desired: Desired, *, restoring: bool = False) -> str:
        """Obtain, prepare, swap. Returns why it did not work, or nothing."""
        try:
            version = self._supply.obtain(desired.number, desired.digest)
            prepared = self._activator.prepare(version)
            self._point_current(version, prepared)
        except _PASSING:
            raise
        except (DeploymentFailed, errors.MunimentError, OSError) as error:
            stays = f"version {self._running.number} stays" if self._running else "nothing runs"
            log.error("version %d cannot be brought up, %s: %s", desired.number, stays, error)
            self._prune()
            return str(error)[:MESSAGE_LIMIT] or type(error).__name__
        prepared.take_over()
        self._running = version
        self._remember(self._after_swap(desired, restoring=restoring))
        log.info("version %d runs", version.number)
        self._report("RUNNING", desired)
        self._prune()
        return ""

    def _point_current(self, version: LocalVersion, prepared: Prepared) -> None:
        try:
            self._versions.point_current(version)
        except OSError:
            prepared.discard()
            raise

    def _prune(self) -> None:
        """Keep what runs and the versions before it."""
        state = self._state
        current = [directory_name(state.number, state.digest)] if state.number else []
        for name in self._versions.prune([*current, *state.previous]):
            log.info("removed %s", name)

    def _report(self, state: DeploymentState, desired: Desired, message: str = "") -> None:
        self._tell(Report(desired.number, desired.digest, state, desired.revision, message))

    def _remember(self, state: State) -> None:
        self._state = state
        try:
            self._state_file.store(state)
        except OSError as error:
            # Harmless until the next start, which will then do these events again.
            log.error("the state cannot be stored: %s", error)

    def _after_swap(self, desired: Desired, *, restoring: bool) -> State:
        """The state now that ``desired`` runs. Restoring what ran before settles no later failure."""
        state = self._state
        name = directory_name(desired.number, desired.digest)
        before = [directory_name(state.number, state.digest)] if state.number else []
        previous = dict.fromkeys(entry for entry in [*before, *state.previous] if entry != name)
        return replace(
            state,
            revision=max(state.revision, desired.revision),
            number=desired.number,
            digest=desired.digest,
            failure=state.failure if restoring else "",
            previous=tuple(previous)[:OLD_VERSIONS_KEPT],
        )
