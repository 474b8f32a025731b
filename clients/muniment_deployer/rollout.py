"""From a version that is wanted to one that runs: obtain, prepare, swap, remember, clear up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from muniment import errors

from muniment_deployer.activation import Activator, Prepared
from muniment_deployer.errors import DeploymentFailed
from muniment_deployer.registry import DeploymentState
from muniment_deployer.reports import MESSAGE_LIMIT, News, Report
from muniment_deployer.state import Memory, State
from muniment_deployer.supply import Supply
from muniment_deployer.versions import LocalVersion, VersionStore, directory_name

log = logging.getLogger(__name__)

OLD_VERSIONS_KEPT = 2
"""Besides the one that runs: a rollback to the one or two before needs no transfer."""

PASSING = (errors.Unavailable, errors.DeadlineExceeded, errors.Unauthenticated, errors.PermissionDenied)
"""Refusals that say nothing about the version: wait, and act on the same event again."""


@dataclass(frozen=True)
class Desired:
    """Where the stage points, and the revision this was true at."""

    number: int
    digest: str
    revision: int

    @property
    def version(self) -> tuple[int, str]:
        """Which version, whenever it was wanted."""
        return self.number, self.digest


class Rollout:
    """Brings versions up, one after the other, and tells what came of it."""

    def __init__(
        self,
        *,
        supply: Supply,
        versions: VersionStore,
        activator: Activator,
        memory: Memory,
        tell: Callable[[Report], None],
    ) -> None:
        self._supply = supply
        self._versions = versions
        self._activator = activator
        self._memory = memory
        self._news = News(tell)
        self._running: LocalVersion | None = None

    def runs(self, desired: Desired) -> bool:
        """Whether this version is up."""
        running = self._running
        return running is not None and (running.number, running.digest) == desired.version

    def act(self, desired: Desired) -> bool:
        """Make the version run, and move the revision past it whatever came of it; False: it does not run.

        Raises:
            MunimentError: one of ``PASSING``; then nothing has changed.
        """
        if self.runs(desired):
            if desired.revision > self._memory.state.revision:
                log.info("version %d runs already", desired.number)
            self._memory.change(revision=desired.revision, failure="")
            self._report("RUNNING", desired)
            return True
        self._report("DEPLOYING", desired)
        failure = self._bring_up(desired)
        if failure:
            self._memory.change(revision=desired.revision, failure=failure)
            self._report("FAILED", desired, failure)
        return not failure

    def restore(self) -> list[Desired]:
        """Run again what ran before, from disk, even while the registry is away; answers what was tried in vain.

        ``current`` moves before the state is stored: after a death between the two it is what ran last.
        """
        state = self._memory.state
        if self._running or not state.number:
            return []
        current = self._versions.current()
        candidates = [Desired(current.number, current.digest, state.revision)] if current else []
        candidates.append(Desired(state.number, state.digest, state.revision))
        tried: list[Desired] = []
        for desired in dict.fromkeys(candidates):
            log.info("version %d ran, events up to revision %d are done", desired.number, desired.revision)
            try:
                failure = self._bring_up(desired, restoring=True)
            except PASSING as error:
                log.warning("version %d cannot be fetched again now: %s", desired.number, error)
                continue
            if not failure:
                return tried
            self._memory.change(failure=failure)
            self._report("FAILED", desired, failure)
            tried.append(desired)
        return tried

    def forget_reports(self) -> None:
        """Tell everything anew: the registry is another one."""
        self._news.forget()

    def _bring_up(self, desired: Desired, *, restoring: bool = False) -> str:
        """Obtain, prepare, swap. Returns why it did not work, or nothing."""
        try:
            version = self._supply.obtain(desired.number, desired.digest)
            prepared = self._activator.prepare(version)
            self._point_current(version, prepared)
        except PASSING:
            raise
        except (DeploymentFailed, errors.MunimentError, OSError) as error:
            stays = f"version {self._running.number} stays" if self._running else "nothing runs"
            log.error("version %d cannot be brought up, %s: %s", desired.number, stays, error)
            # It stays on disk: it will be tried again.
            self._prune(besides=directory_name(desired.number, desired.digest))
            return str(error)[:MESSAGE_LIMIT] or type(error).__name__
        prepared.take_over()
        self._running = version
        self._memory.store(_after_swap(self._memory.state, desired, restoring=restoring))
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

    def _prune(self, *, besides: str = "") -> None:
        """Keep what runs and the versions before it."""
        state = self._memory.state
        current = [directory_name(state.number, state.digest)] if state.number else []
        for name in self._versions.prune([*current, *state.previous, besides]):
            log.info("removed %s", name)

    def _report(self, state: DeploymentState, desired: Desired, message: str = "") -> None:
        self._news.tell(Report(desired.number, desired.digest, state, desired.revision, message))


def _after_swap(state: State, desired: Desired, *, restoring: bool) -> State:
    """The state now that ``desired`` runs. Restoring what ran before settles no later failure."""
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
