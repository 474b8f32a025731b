"""Reading the state of models: inline on SQLite, else for many callers by one trip that the loop makes itself.

Where the connection for that broke, or was not opened yet, a thread makes the trip, and opens it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor

from muniment.names import ModelName

from muniment_core.db.database import Database
from muniment_core.db.direct import DirectLookUp, Row
from muniment_core.db.integrity import domain_error_of, is_infrastructure
from muniment_core.db.model_store import MARK
from muniment_core.domain.errors import ShuttingDown
from muniment_core.rpc.answers import Mark
from muniment_core.rpc.direct import Direct

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
        self._direct: Direct | None = None

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

    def close(self) -> None:
        """Let go of what is kept open."""
        if self._direct is not None:
            self._direct.close()

    async def _travel(self, readers: Executor) -> None:
        """Answer those who wait, then those who came meanwhile: a read serves only who asked before it began."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                found: Mapping[ModelName, _Found]
                try:
                    found = await self._found(list(waiting), readers)
                except Exception as error:  # noqa: BLE001 - raised where it is awaited
                    found = dict.fromkeys(waiting, error)
                _answer(waiting, found)
        finally:
            self._trip = None

    async def _found(self, models: list[ModelName], readers: Executor) -> Mapping[ModelName, _Found]:
        loop = asyncio.get_running_loop()
        direct = self._direct
        if direct is not None and direct.loop is loop and not direct.lost:
            rows = await direct.ask([{"project": model.project, "model": model.model} for model in models])
            if rows is not None:
                return dict(zip(models, map(self._mark, rows), strict=True))
        try:
            found, opened = await loop.run_in_executor(readers, self._read_all, models)
        except RuntimeError:  # the pool has ended: the server is stopping
            return dict.fromkeys(models, ShuttingDown())
        if direct is not None:
            direct.close()
        self._direct = None if opened is None else Direct(loop, opened)
        return found

    def _mark(self, row: Row | None) -> Mark | None:
        if row is None:
            return None
        model_id, revision = row
        assert model_id is not None
        assert revision is not None
        return Mark(int(model_id), int(revision), self._database.openings)

    def _read_all(self, models: list[ModelName]) -> tuple[dict[ModelName, _Found], DirectLookUp | None]:
        """What is known of models, and a connection for the next who ask, if it could be opened."""
        found: dict[ModelName, _Found] = {}
        for model in models:
            try:
                found[model] = self._read(model)
            except Exception as error:  # noqa: BLE001 - raised where it is awaited
                found[model] = error
        try:
            return found, self._database.open_direct(MARK)
        except Exception as error:
            if not is_infrastructure(error):
                raise
            return found, None

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
    waiting: dict[ModelName, list[asyncio.Future[Mark | None]]], found: Mapping[ModelName, _Found]
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
