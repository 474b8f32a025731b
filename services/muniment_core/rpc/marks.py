"""Reading the state of models: inline where that is fastest, else many callers by one trip to the read pool."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from muniment.names import ModelName

from muniment_core.db.database import Database
from muniment_core.db.integrity import domain_error_of
from muniment_core.db.model_store import MARK
from muniment_core.domain.errors import ShuttingDown
from muniment_core.rpc.answers import Mark

_Found = Mark | None | Exception


class Marks:
    """Tells the state of models, read from the database after each call began. For one event loop."""

    def __init__(self, database: Database, readers: Executor | None) -> None:
        """
        Args:
            readers: where reads run; None to read inline.
        """
        self._database = database
        self._readers = readers
        self._waiting: dict[ModelName, list[asyncio.Future[Mark | None]]] = {}
        self._trip: asyncio.Task[None] | None = None

    async def of(self, model: ModelName) -> Mark | None:
        """The state of a model, tombstone or not; None if it never was.

        Raises:
            DatabaseUnavailable: if the database does not answer.
        """
        if self._readers is None:
            return self._read(model)
        future: asyncio.Future[Mark | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(model, []).append(future)
        if self._trip is None:
            self._trip = asyncio.create_task(self._travel(self._readers), name="marks")
        return await future

    async def _travel(self, readers: Executor) -> None:
        """Answer those who wait, then those who came meanwhile: a read serves only who asked before it began."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                try:
                    found = await loop.run_in_executor(readers, self._read_all, list(waiting))
                except RuntimeError:  # the pool has ended: the server is stopping
                    found = dict.fromkeys(waiting, ShuttingDown())
                _answer(waiting, found)
        finally:
            self._trip = None

    def _read_all(self, models: list[ModelName]) -> dict[ModelName, _Found]:
        found: dict[ModelName, _Found] = {}
        for model in models:
            try:
                found[model] = self._read(model)
            except Exception as error:  # noqa: BLE001 - raised where it is awaited
                found[model] = error
        return found

    def _read(self, model: ModelName) -> Mark | None:
        try:
            row = self._database.look_up(MARK, project=model.project, model=model.model)
        except Exception as error:
            translated = domain_error_of(error)
            if translated is None:
                raise
            raise translated from error
        return None if row is None else Mark(row.id, row.revision, self._database.openings)


def _answer(
    waiting: dict[ModelName, list[asyncio.Future[Mark | None]]], found: dict[ModelName, _Found]
) -> None:
    for model, futures in waiting.items():
        result = found[model]
        for future in futures:
            if future.done():  # its caller gave up
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
