"""Which worker answers.

Everything here runs on the endpoint's event loop, so "new requests go to the new worker" is one assignment:
a request is registered with the worker it found in the same step, and a retiring worker waits for those it
has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from muniment_deployer.errors import BadRows, DeploymentFailed, NotAnswering
from muniment_deployer.versions import LocalVersion
from muniment_deployer.worker_process import WorkerProcess

log = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0
"""A worker that lived this long did not die of its start: the next one starts without a pause."""


@dataclass(frozen=True)
class Answer:
    """Predictions, and the version that made them."""

    predictions: list[Any]
    version: LocalVersion


class Slot:
    """Holds the worker that serves, and starts it again when it dies."""

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None
        self._version: LocalVersion | None = None
        self._supervisors: set[asyncio.Task[None]] = set()
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def version(self) -> LocalVersion | None:
        """The version that serves, even while its worker is being restarted; None: none yet."""
        return self._version

    @property
    def answering(self) -> bool:
        """Whether a worker is ready."""
        return self._worker is not None

    @property
    def worker_pid(self) -> int | None:
        """Process that answers now."""
        return self._worker.pid if self._worker else None

    def take_over(self, worker: WorkerProcess) -> None:
        """From now on this worker answers; the one before finishes what it has and ends."""
        before, self._worker = self._worker, worker
        self._version = worker.version
        _spawn(self._supervise(worker), self._supervisors)
        if before:
            _spawn(before.retire(), self._retiring)

    async def predict(self, rows: list[list[float]]) -> Answer:
        """Ask the worker that serves now.

        Raises:
            BadRows: the rows have another width than the model.
            ModelFailed: the model raised on them.
            NotAnswering: no worker is ready.
        """
        worker = self._worker
        if worker is None:
            raise NotAnswering(
                "the model's process is being restarted: ask again in a moment"
                if self._version
                else "no version is deployed yet"
            )
        if worker.features is not None and len(rows[0]) != worker.features:
            raise BadRows(f"each row has {len(rows[0])} values, while the model takes {worker.features}")
        return Answer(await worker.predict(rows), worker.version)

    async def close(self) -> None:
        """End the worker and everything that is under way here."""
        for task in self._supervisors:
            task.cancel()
        await asyncio.gather(*self._supervisors, return_exceptions=True)
        worker, self._worker = self._worker, None
        if worker:
            _spawn(worker.retire(), self._retiring)
        await asyncio.gather(*self._retiring, return_exceptions=True)

    async def _supervise(self, worker: WorkerProcess) -> None:
        """When the worker that serves dies unasked, put a new one on the same version in its place."""
        loop = asyncio.get_running_loop()
        pause = 0.0
        while True:
            begun = loop.time()
            how = await worker.ended()
            if self._worker is not worker:
                return
            self._worker = None
            await worker.kill()
            log.error("the worker of version %d ended %s: starting another", worker.version.number, how)
            if loop.time() - begun > _STEADY_SECONDS:
                pause = 0.0
            replacement: WorkerProcess | None = None
            while replacement is None:
                await asyncio.sleep(pause)
                pause = min(max(2 * pause, 1.0), _LONGEST_PAUSE_SECONDS)
                if self._worker is not None or self._version is not worker.version:
                    return
                try:
                    replacement = await WorkerProcess.start(worker.version)
                except DeploymentFailed as error:
                    log.error("the worker of version %d does not start: %s", worker.version.number, error)
            if self._version is not worker.version or self._worker is not None:
                await replacement.kill()
                return
            self._worker = worker = replacement
            log.info("version %d answers again", worker.version.number)


def _spawn(work: Coroutine[Any, Any, None], into: set[asyncio.Task[None]]) -> None:
    """Start a task that is held until it ends: the loop itself holds tasks only weakly."""
    task = asyncio.create_task(work)
    into.add(task)
    task.add_done_callback(into.discard)
