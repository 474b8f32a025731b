"""A registry in memory, an activator that only remembers, and a controller run between them."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from muniment import errors
from muniment_deployer.controller import Controller
from muniment_deployer.errors import DeploymentFailed
from muniment_deployer.pauses import Pauses
from muniment_deployer.reports import Report
from muniment_deployer.state import StateFile
from muniment_deployer.versions import LocalVersion, VersionStore

DEADLINE = 30.0
MODEL, STAGE = "churn", "production"


@dataclass(frozen=True)
class FakeVersion:
    number: int
    digest: str
    files: dict[str, bytes]


@dataclass(frozen=True)
class FakeStage:
    number: int
    digest: str
    revision: int
    head_revision: int


@dataclass(frozen=True)
class FakeEvent:
    revision: int
    type: str
    number: int
    digest: str
    actor: str = "ada"


class FakeWatch:
    """Follows the registry's list of events; survives nothing, so that the controller must."""

    def __init__(self, registry: InMemoryRegistry, after: int, types: tuple[str, ...]) -> None:
        self._registry, self._after, self._types = registry, after, types
        self.closed = self.broken = False

    def __iter__(self) -> Iterator[FakeEvent]:
        while True:
            with self._registry.changed:
                if self._after > len(self._registry.events):
                    raise errors.InvalidField("that revision is of another registry", "INVALID_FIELD", {})
                self._registry.changed.wait_for(
                    lambda: self.closed or self.broken or len(self._registry.events) > self._after, DEADLINE
                )
                if self.closed:
                    return
                if self.broken:
                    raise errors.Unavailable("the registry is away", "SHUTTING_DOWN", {})
                fresh = self._registry.events[self._after :]
            for event in fresh:
                self._after = event.revision
                if event.type in self._types:
                    yield event

    def close(self) -> None:
        with self._registry.changed:
            self.closed = True
            self._registry.changed.notify_all()


class InMemoryRegistry:
    """One model, one stage, one ledger; the part of `muniment.Registry` that the deployer uses."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.events: list[FakeEvent] = []
        self.versions: dict[int, FakeVersion] = {}
        self.current: FakeEvent | None = None
        self.exists = True
        self.failures: deque[errors.MunimentError] = deque()
        """Raised, one per call, by `stage`, `show` and `pull`."""
        self.watches: list[FakeWatch] = []
        self.pulled: list[int] = []
        self.before_pull: Callable[[int], None] = lambda number: None

    def push(self, **files: bytes) -> FakeVersion:
        number = len(self.versions) + 1
        digest = "sha256:" + hashlib.sha256(repr((number, sorted(files.items()))).encode()).hexdigest()
        version = FakeVersion(number, digest, {name.replace("__", "/"): data for name, data in files.items()})
        self.versions[number] = version
        self._append("version.created", version)
        return version

    def promote(self, version: FakeVersion, *, type: str = "stage.promoted") -> FakeEvent:
        return self._append(type, version)

    def rebuild(self) -> None:
        """Begin with an empty ledger, as another registry at the same address does; nobody is told."""
        with self.changed:
            self.events, self.versions, self.current = [], {}, None

    def break_watches(self) -> None:
        with self.changed:
            for watch in self.watches:
                watch.broken = True
            self.changed.notify_all()

    def _append(self, type: str, version: FakeVersion) -> FakeEvent:
        with self.changed:
            event = FakeEvent(len(self.events) + 1, type, version.number, version.digest)
            self.events.append(event)
            if type.startswith("stage."):
                self.current = event
            self.changed.notify_all()
            return event

    def _fail_if_told(self) -> None:
        if self.failures:
            raise self.failures.popleft()

    def stage(self, model: str, stage: str) -> FakeStage:
        self._fail_if_told()
        if not self.exists:
            raise errors.ModelNotFound(f"model {model} does not exist", "MODEL_NOT_FOUND", {"model": model})
        with self.changed:
            at, head = self.current, len(self.events)
        return FakeStage(at.number, at.digest, at.revision, head) if at else FakeStage(0, "", 0, head)

    def show(self, selector: str) -> FakeVersion:
        self._fail_if_told()
        return self.versions[int(selector.partition("@")[2])]

    def pull(self, version: FakeVersion, into: Path) -> Path:
        self._fail_if_told()
        self.before_pull(version.number)
        self.pulled.append(version.number)
        for name, data in version.files.items():
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return into

    def watch(self, *, after: int, model: str, stage: str, types: tuple[str, ...]) -> FakeWatch:
        watch = FakeWatch(self, after, types)
        self.watches.append(watch)
        return watch


@dataclass
class RememberingActivator:
    """Stands for the endpoint: which version serves, and which refuse to come up."""

    serving: int = 0
    prepared: list[int] = field(default_factory=list)
    unfit: dict[int, str] = field(default_factory=dict)
    on_prepare: Callable[[LocalVersion], None] = lambda version: None

    def prepare(self, version: LocalVersion) -> Beside:
        assert version.path.is_dir()
        self.prepared.append(version.number)
        self.on_prepare(version)
        # Looked up once: a test may mend it in this moment.
        if (why := self.unfit.get(version.number)) is not None:
            raise DeploymentFailed(why)
        return Beside(self, version.number)


@dataclass
class Beside:
    activator: RememberingActivator
    number: int

    def take_over(self) -> None:
        self.activator.serving = self.number

    def discard(self) -> None:
        pass


class RunningController:
    """A controller in a thread, with what it told the registry."""

    def __init__(
        self,
        registry: InMemoryRegistry,
        activator: RememberingActivator,
        directory: Path,
        pauses: Pauses | None = None,
    ) -> None:
        self.reports: list[Report] = []
        self._told = threading.Condition()
        self.state_file = StateFile(directory / "state.json")
        self._controller = Controller(
            registry,
            model=MODEL,
            stage=STAGE,
            versions=VersionStore(directory),
            state_file=self.state_file,
            activator=activator,
            tell=self._tell,
            pauses=pauses,
        )
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._controller.run()
        except errors.MunimentError as error:
            self.failure = error
        with self._told:
            self._told.notify_all()

    def _tell(self, report: Report) -> None:
        with self._told:
            self.reports.append(report)
            self._told.notify_all()

    @property
    def told(self) -> list[tuple[str, int, int]]:
        """Reports as (state, number, revision)."""
        return [(report.state, report.number, report.acted_revision) for report in self.reports]

    def wait_until_told(self, state: str, number: int, revision: int) -> None:
        expected = (state, number, revision)
        with self._told:
            found = self._told.wait_for(lambda: expected in self.told, DEADLINE)
        assert found, f"{expected} was not told, only {self.told}"

    def wait_until_ended(self) -> None:
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self._controller.stop()
        self.wait_until_ended()


@pytest.fixture
def registry() -> InMemoryRegistry:
    return InMemoryRegistry()


@pytest.fixture
def activator() -> RememberingActivator:
    return RememberingActivator()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "deployment"


@pytest.fixture
def start(
    registry: InMemoryRegistry, activator: RememberingActivator, directory: Path
) -> Iterator[Callable[..., RunningController]]:
    """Starts a controller on the directory, as a new process would; all are stopped at the end."""
    started: list[RunningController] = []

    def begin(pauses: Pauses | None = None) -> RunningController:
        started.append(RunningController(registry, activator, directory, pauses))
        return started[-1]

    yield begin
    for controller in started:
        controller.stop()
