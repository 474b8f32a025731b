"""One deployer as a process: lock, threads, signals, and the order of starting and stopping."""

from __future__ import annotations

import fcntl
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.errors import MunimentError

from muniment_deployer.activation import FilesOnly
from muniment_deployer.controller import Controller
from muniment_deployer.errors import DeployerError, WrongDirectory
from muniment_deployer.recording import Recording
from muniment_deployer.registry import Registry
from muniment_deployer.reports import Report, Reporter
from muniment_deployer.state import StateFile
from muniment_deployer.versions import VersionStore

if TYPE_CHECKING:
    from muniment_deployer.http_server import HttpServer

log = logging.getLogger(__name__)

NEEDED_TO_SERVE = ("starlette", "uvicorn", "joblib", "sklearn")

_STEP_SECONDS = 10.0
"""How long a stop waits for a pull or a start under way; what it leaves is cleaned up at the next start."""

_SIGNAL_SECONDS = 0.2


@dataclass(frozen=True)
class Assignment:
    """What one deployer is to do."""

    model: str
    stage: str
    into: Path
    name: str
    """What the registry calls this deployment."""
    serve: tuple[str, int] | None = None
    """Address of the endpoint; None: files only."""


def run(registry: Registry, assignment: Assignment) -> None:
    """Deploy until SIGTERM or SIGINT.

    Prints ``answering on HOST:PORT`` on standard output once the endpoint listens.

    Raises:
        DeployerError: if the directory or the address cannot be used.
        MunimentError: if the registry refuses this deployer.
    """
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # Nothing but this: a handler that takes a lock may interrupt the very thread that holds it.
        signal.signal(number, lambda number, _: asked.append(number))
    with _locked(assignment.into), _endpoint(registry, assignment) as server:
        reporter = Reporter(lambda report: _report(registry, assignment, report))
        try:
            controller = Controller(
                registry,
                model=assignment.model,
                stage=assignment.stage,
                versions=VersionStore(assignment.into),
                state_file=StateFile(assignment.into / "state.json"),
                activator=server or FilesOnly(),
                tell=reporter.tell,
            )
            _run_until(asked, controller)
        finally:
            reporter.close()
    log.info("stopped")


def _run_until(asked: list[int], controller: Controller) -> None:
    """Run the controller in a thread, so that a signal is noticed whatever call it waits in."""
    failure: list[Exception] = []

    def work() -> None:
        try:
            controller.run()
        except (MunimentError, DeployerError, OSError) as error:
            failure.append(error)
        except BaseException:
            failure.append(DeployerError("the controller ended by a defect; the trace above shows where"))
            raise
        finally:
            ended.set()

    ended = threading.Event()
    thread = threading.Thread(target=work, name="controller", daemon=True)
    thread.start()
    # A signal may reach another thread, and its handler waits for this one to run.
    while not ended.wait(_SIGNAL_SECONDS) and not asked:
        continue
    log.info("stopping")
    controller.stop()
    thread.join(_STEP_SECONDS)
    if failure:
        raise failure[0]


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory: two deployers in one would swap under each other's feet."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("w")
    except OSError as error:
        raise WrongDirectory(f"{directory} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongDirectory(
                f"another deployer works in {directory}: give each its own directory"
            ) from None
        yield


@contextmanager
def _endpoint(registry: Registry, assignment: Assignment) -> Iterator[HttpServer | None]:
    if assignment.serve is None:
        yield None
        return
    if missing := [package for package in NEEDED_TO_SERVE if find_spec(package) is None]:
        raise DeployerError(
            f"--serve needs packages that are not installed ({', '.join(missing)}): install muniment[deployer]"
        )
    # Who only keeps a directory has installed none of what this loads.
    from muniment_deployer.http_server import HttpServer

    host, port = assignment.serve
    # An endpoint answers whether or not predictions can be recorded: without room they are dropped.
    recording = Recording(lambda number: registry.predictions(f"{assignment.model}@{number}", policy="drop"))
    server = HttpServer(host, port, model=assignment.model, stage=assignment.stage, recording=recording)
    server.start()
    try:
        log.info("answering on %s", server.address)
        print(f"answering on {server.address}", flush=True)  # noqa: T201 - what a starter waits for
        yield server
    finally:
        server.stop()


def _report(registry: Registry, assignment: Assignment, report: Report) -> None:
    registry.report_deployment(
        assignment.name,
        model=assignment.model,
        stage=assignment.stage,
        number=report.number,
        digest=report.digest,
        state=report.state,
        acted_revision=report.acted_revision,
        message=report.message,
    )
