"""The endpoint's end of a worker: started, asked, retired."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from typing import Any

from muniment_deployer.errors import DeploymentFailed, ModelFailed, NotAnswering
from muniment_deployer.framing import BrokenMessage, encode, receive_message
from muniment_deployer.versions import LocalVersion

log = logging.getLogger(__name__)

READY_SECONDS = 120.0
"""Loading a model from a cold disk on a busy machine takes its time; hanging for ever does not count."""
ANSWER_SECONDS = 30.0
"""A request that waited this long is given up; a worker that answered nothing for so long is taken for stuck
and ended, and another one starts."""
RETIRE_SECONDS = ANSWER_SECONDS + 5.0

_RESTARTING = "the model's process ended and is being restarted: ask again in a moment"


class WorkerProcess:
    """One process that holds one version. Use from the event loop that started it."""

    def __init__(
        self,
        version: LocalVersion,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.version = version
        self.features: int | None = None
        self.pid = process.pid
        self._process = process
        self._reader = reader
        self._writer = writer
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._next_id = 0
        self._gone = False
        self._progress = 0.0
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, version: LocalVersion, *, ready_seconds: float = READY_SECONDS) -> WorkerProcess:
        """Start a process on a version and wait until the model is loaded and passed its self-test.

        Raises:
            DeploymentFailed: with what the worker said, or how it ended.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                # -P: the working directory is no place to import from.
                *(
                    sys.executable,
                    "-P",
                    "-m",
                    "muniment_deployer.worker",
                    str(theirs.fileno()),
                    str(version.path),
                ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=2,  # standard output is the deployer's: what a model prints goes to standard error
                pass_fds=[theirs.fileno()],
                env=worker_environment(),
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(version, process, reader, writer)
        try:
            await worker._await_ready(ready_seconds)
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def _await_ready(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                first = await receive_message(self._reader)
        except TimeoutError:
            raise DeploymentFailed(f"the worker was not ready after {seconds:g} seconds") from None
        except BrokenMessage as error:
            raise DeploymentFailed(f"the worker does not speak: {error}") from error
        if first is None:
            code = await self._process.wait()
            raise DeploymentFailed(f"the worker ended {_how(code)} while it loaded the model")
        if not first.get("ready"):
            raise DeploymentFailed(str(first.get("unfit", "the worker gave no reason")))
        self.features = first["features"]
        self._listening = asyncio.create_task(self._listen())

    async def predict(self, rows: list[list[float]]) -> list[Any]:
        """Predictions for rows.

        Raises:
            ModelFailed: the model raised on these rows.
            NotAnswering: the worker ended or got stuck.
        """
        if self._gone:
            raise NotAnswering(_RESTARTING)
        self._next_id += 1
        number = self._next_id
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if not self._answers:
            self._progress = asyncio.get_running_loop().time()
        # Registered before the first await: a retirement that begins now waits for this request.
        self._answers[number] = answer
        self._idle.clear()
        try:
            self._writer.write(encode({"id": number, "rows": rows}))
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._writer.drain()
                message = await answer
        except TimeoutError:
            if asyncio.get_running_loop().time() - self._progress < ANSWER_SECONDS:
                raise NotAnswering("the model is busy with other requests: ask again in a moment") from None
            log.error("worker %d did not answer in %g seconds: ending it", self.pid, ANSWER_SECONDS)
            self._process.kill()
            raise NotAnswering(_RESTARTING) from None
        except ConnectionError:
            raise NotAnswering(_RESTARTING) from None
        finally:
            self._answers.pop(number, None)
            if not self._answers:
                self._idle.set()
        if "error" in message:
            raise ModelFailed(f"the model failed on these rows: {message['error']}")
        predictions: list[Any] = message["predictions"]
        return predictions

    async def ended(self) -> str:
        """Wait for the process to end; says how."""
        return _how(await self._process.wait())

    async def retire(self) -> None:
        """Let it finish what it was asked, then end it. It must not be asked anything new."""
        try:
            async with asyncio.timeout(RETIRE_SECONDS):
                await self._idle.wait()
                self._writer.close()
                await self._process.wait()
        except TimeoutError:
            log.warning("worker %d does not end by itself", self.pid)
        await self.kill()

    async def kill(self) -> None:
        """End it now; what it was asked fails with NotAnswering."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._writer.close()
        if self._listening:
            await self._listening

    async def _listen(self) -> None:
        try:
            while (message := await receive_message(self._reader)) is not None:
                self._progress = asyncio.get_running_loop().time()
                waiting = self._answers.get(message.get("id", 0))
                if waiting and not waiting.done():
                    waiting.set_result(message)
        except BrokenMessage as error:
            log.error("worker %d: %s", self.pid, error)
            self._process.kill()
        self._gone = True
        for waiting in list(self._answers.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())


def worker_environment() -> dict[str, str]:
    """The environment of a worker: a pickled model runs code of its author, so it gets no token of ours."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MUNIMENT_")}


def _how(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
