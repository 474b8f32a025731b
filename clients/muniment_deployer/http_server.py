"""Runs the endpoint: a thread with an event loop, uvicorn on it, and the way in for the controller."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import socket
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvicorn

from muniment_deployer.activation import Prepared
from muniment_deployer.endpoint import Endpoint
from muniment_deployer.errors import DeployerError
from muniment_deployer.recording import Recording
from muniment_deployer.slot import Slot
from muniment_deployer.versions import LocalVersion
from muniment_deployer.worker_process import READY_SECONDS, WorkerProcess

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_CONNECTIONS = 1_024
"""Idle connections are cheap and not endless."""
_DRAIN_SECONDS = 10
_CALL_SECONDS = READY_SECONDS + 30.0


class HttpServer:
    """An endpoint that listens, and the ``Activator`` that puts versions behind it.

    Args:
        host: address to listen on.
        port: 0 picks a free one.
        model: name of the model.
        stage: stage that is followed.
        recording: takes what is predicted; None: nothing is recorded.

    Raises:
        DeployerError: if the address cannot be listened on.
    """

    def __init__(
        self, host: str, port: int, *, model: str, stage: str, recording: Recording | None = None
    ) -> None:
        self._socket = _listening_socket(host, port)
        self._slot = Slot()
        self._recording = recording
        options = {} if recording is None else {"record": recording.record}
        config = uvicorn.Config(
            Endpoint(self._slot, model=model, stage=stage, **options).app,
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            server_header=False,
        )
        self._server = _Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)

    @property
    def address(self) -> str:
        """HOST:PORT as a client writes it."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Begin to answer; returns once it does."""
        self._thread.start()
        if not self._server.answering.wait(30):
            raise DeployerError("the endpoint does not start")

    def prepare(self, version: LocalVersion) -> Prepared:
        """Start a worker on the version, beside the one that serves."""
        worker = self._call(WorkerProcess.start(version))
        log.info("worker %d loaded version %d and passed its self-test", worker.pid, version.number)
        return _Beside(self, worker)

    def take_over(self, worker: WorkerProcess) -> None:
        """Let the worker answer."""

        async def swap() -> None:
            self._slot.take_over(worker)

        self._call(swap())

    def discard(self, worker: WorkerProcess) -> None:
        """End a worker that never served."""
        self._call(worker.kill())

    def stop(self) -> None:
        """Finish the requests under way, end the worker, stop listening; what was recorded is flushed."""
        self._server.should_exit = True
        self._thread.join(_DRAIN_SECONDS + 60)
        self._socket.close()
        if self._recording is not None:
            self._recording.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the endpoint's loop from another thread."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_CALL_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError) as error:
            future.cancel()
            raise DeployerError("the endpoint is stopping or stuck") from error

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._server.serve(sockets=[self._socket]))
            self._loop.run_until_complete(self._slot.close())
        finally:
            self._loop.close()


class _Beside:
    """A prepared worker."""

    def __init__(self, server: HttpServer, worker: WorkerProcess) -> None:
        self._server = server
        self._worker = worker

    def take_over(self) -> None:
        self._server.take_over(self._worker)

    def discard(self) -> None:
        self._server.discard(self._worker)


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.answering.set()


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol spelled out: asyncio sets TCP_NODELAY only on sockets that name TCP, and without it
    # each answer waits 40 ms for a delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise DeployerError(f"cannot listen on {host}:{port}: {error}") from error
    return listener
