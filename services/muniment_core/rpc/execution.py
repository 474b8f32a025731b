"""The seam between the event loop and plain synchronous code: it decides where work runs.

Short SQLite reads run inline on the event loop, where a thread hop would cost more than the read;
PostgreSQL reads run in a pool; every change runs on the one writer; bytes and hashing run in an I/O pool.
Answers about one model are kept, and given again while the database says that the model did not change.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from muniment.names import ModelName

from muniment_core.db.database import Database
from muniment_core.db.engines import QUERY_SECONDS, READ_POOL_SIZE
from muniment_core.db.integrity import domain_error_of, is_interrupted
from muniment_core.db.prepared import Question
from muniment_core.db.request_store import RequestKey, RequestStore
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import QueryTooLong, ShuttingDown
from muniment_core.domain.limits import fitting
from muniment_core.rpc.answers import Answers, Mark, about_number
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.convert import text
from muniment_core.rpc.deliveries import Deliveries, Promise
from muniment_core.rpc.marks import Marks

IO_THREADS = 16
QUERY_THREADS = 4
"""Half of the connections for reading: however long queries take, short reads find one."""
MAX_REQUEST_ID = 128

T = TypeVar("T")
M = TypeVar("M", bound=Message)


class FoundVersion(Protocol):
    """A version that was found.

    Attributes:
        id: its key.
        model_id: key of its model.
        model_revision: newest ledger entry that names the model, in the snapshot in which it was found.
    """

    @property
    def id(self) -> int: ...
    @property
    def number(self) -> int: ...
    @property
    def model_id(self) -> int: ...
    @property
    def model_revision(self) -> int: ...


Hit = TypeVar("Hit", bound=FoundVersion)


class Execution:
    """Runs use cases where they belong."""

    def __init__(self, database: Database, writer: Writer, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._database = database
        self._writer = writer
        self._readers = (
            None
            if database.is_sqlite
            else ThreadPoolExecutor(READ_POOL_SIZE, thread_name_prefix="muniment-read")
        )
        self._queries = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="muniment-query")
        self._io = ThreadPoolExecutor(IO_THREADS, thread_name_prefix="muniment-io")
        self._deliveries: Deliveries | None = None
        self._marks = Marks(database, self._readers)
        self._answers = Answers()
        self._closing = False

    async def read(self, use_case: Callable[[Reader], T]) -> T:
        """Run a use case that only reads, on one consistent snapshot."""
        if self._readers is None:
            return self._read(use_case, self._database.reading())

        def work(promise: Promise[T]) -> None:
            # What was read stands, however the transaction ends: that takes a trip, for which nobody need wait.
            self._read(lambda reader: promise.set_result(use_case(reader)), self._database.reading())

        return await self._delivering().of(self._readers, work)

    async def read_about(
        self, model: ModelName, question: str, use_case: Callable[[Reader], M], answer: type[M]
    ) -> M:
        """Run a use case that only reads, and whose answer changes only with a ledger entry that names the model.

        Its answer is kept, and given again for as long as the model has no newer entry.

        Args:
            question: says what is asked about the model, apart from any other question about it.
            use_case: makes the message to answer with.
            answer: class of that message.
        """
        mark = await self._marks.of(model)
        if mark is not None:
            kept = self._answers.get(mark, question)
            if kept is not None:
                return answer.FromString(kept)
        openings = self._database.openings

        def answered(reader: Reader) -> tuple[M, Mark | None]:
            found = reader.models.mark(model)
            return use_case(reader), None if found is None else Mark(found.id, found.revision, openings)

        message, mark = await self.read(answered)
        if mark is not None:
            self._answers.put(mark, question, message.SerializeToString())
        return message

    async def query(self, use_case: Callable[[Reader], T]) -> T:
        """Run a use case that reads much: never on the event loop, and beside short reads.

        Raises:
            QueryTooLong: if the database takes longer over it than it may.
            ShuttingDown: if the server stops meanwhile.
        """

        def work(promise: Promise[T]) -> None:
            until = time.monotonic() + QUERY_SECONDS

            def wanted() -> bool:
                return time.monotonic() < until and not (self._closing or promise.future.cancelled())

            try:
                querying = self._database.querying(wanted)
                self._read(lambda reader: promise.set_result(use_case(reader)), querying)
            except Exception as error:
                if not is_interrupted(error.__cause__ or error):
                    raise
                raise ShuttingDown if self._closing else QueryTooLong(QUERY_SECONDS) from error

        return await self._delivering().of(self._queries, work)

    async def query_versions(
        self,
        use_case: Callable[[Reader], Sequence[Hit]],
        make: Callable[[Reader, Sequence[Hit]], Sequence[M]],
        answer: type[M],
        *,
        limit: int,
    ) -> tuple[list[tuple[Hit, M]], bool]:
        """Run a use case that finds versions, as :meth:`query`, and answer with the message of each.

        Messages that :meth:`read_about` or this have kept are given again; the others are made.

        Args:
            make: makes the messages of some versions, in their order.
            answer: class of the messages.
            limit: how many are wanted at most.

        Returns:
            As many as fit on a page, and whether more were found.
        """
        openings = self._database.openings

        def answered(reader: Reader) -> tuple[list[tuple[Hit, M]], bool]:
            hits = use_case(reader)
            asked = [
                (Mark(hit.model_id, hit.model_revision, openings), about_number(hit.number)) for hit in hits
            ]
            found = [self._answers.get(*about) for about in asked]
            lacking = [hit.id for hit, data in zip(hits, found, strict=True) if data is None]
            unread = iter(reader.version_heads.sizes(lacking) if lacking else ())
            fit = fitting((next(unread) if data is None else len(data) for data in found), limit)
            to_make = [hit for hit, data in zip(hits[:fit], found, strict=False) if data is None]
            made = iter(make(reader, to_make) if to_make else ())
            messages = []
            for about, data in zip(asked[:fit], found, strict=False):
                if data is None:
                    message = next(made)
                    self._answers.put(*about, message.SerializeToString())
                else:
                    message = answer.FromString(data)
                messages.append(message)
            return list(zip(hits, messages, strict=False)), fit < len(hits)

        return await self.query(answered)

    async def mutate(
        self,
        request: Message,
        use_case: Callable[[UnitOfWork], T],
        respond: Callable[[T], M],
        answer: type[M],
        *,
        complete: Callable[[M], None] = lambda _message: None,
        asks: Sequence[Question] = (),
    ) -> M:
        """Run a use case that changes the registry and leaves one ledger entry.

        A repeated request (same caller, ``request_id`` and bytes) gets the answer of the first.

        Args:
            request: the request message, with a ``request_id`` field.
            respond: makes the answer from the use case's result.
            answer: class of the answer, by which a remembered one is read.
            asks: what the use case is going to ask the database, see :class:`Change`.
            complete: adds to the answer of the call that made the change what is not to be remembered.
        """
        actor = current_principal.get().name
        made: list[tuple[M, bytes]] = []

        def work(unit: UnitOfWork) -> bytes:
            message = respond(use_case(unit))
            data = message.SerializeToString(deterministic=True)
            made[:] = [(message, data)]
            return data

        data = await self._submit(Change(work, actor, request=_request_key(request, actor), asks=asks))
        # The very object, not an equal one: what was made may be of an attempt that was rolled back, after which
        # the answer to the same request was found to have been given by another replica.
        if made and made[0][1] is data:
            complete(made[0][0])
            return made[0][0]
        return answer.FromString(data)

    async def record(self, use_case: Callable[[UnitOfWork], T], *, actor: str) -> T:
        """Run a use case that changes the registry and is no request by itself: repeating it is its own affair."""
        return await self._submit(Change(use_case, actor))

    async def remembered(self, request: Message, answer: type[M], otherwise: Callable[[Reader], T]) -> M | T:
        """The answer a repeated request was given before, or what a use case reads otherwise.

        For work that must come before the change. Both are read from one snapshot: between two of them the
        first attempt may commit, and the repeat would be judged by the state that itself brought about.

        Raises:
            RequestIdReused: if its ``request_id`` was used for another request.
        """
        key = _request_key(request, current_principal.get().name)

        def read(reader: Reader) -> M | T:
            data = RequestStore(reader.connection).answer(key) if key else None
            return otherwise(reader) if data is None else answer.FromString(data)

        return await self.read(read)

    async def note(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run bookkeeping that is no change of the registry, such as noting which chunks are stored."""
        return await self._submit(Change(work, current_principal.get().name, recorded=False))

    async def io(self, work: Callable[[], T]) -> T:
        """Run something that waits or computes for long."""
        return await asyncio.get_running_loop().run_in_executor(self._io, work)

    def io_then(self, work: Callable[[], None], done: Callable[[Exception | None], None]) -> None:
        """The same for who is called back on the event loop: a tenth of the cost of a task that waits."""
        loop = asyncio.get_running_loop()

        def run() -> None:
            failure = None
            try:
                work()
            except Exception as error:  # noqa: BLE001 - `done` is told
                failure = error
            loop.call_soon_threadsafe(done, failure)

        try:
            self._io.submit(run)
        except RuntimeError as error:
            # The server is stopping, and the pool has ended before its streams.
            loop.call_soon(done, error)

    @asynccontextmanager
    async def alone(self, key: int) -> AsyncIterator[Callable[[], bool] | None]:
        """The right to do something that one process may do at a time; see :meth:`Database.alone`.

        Raises:
            DatabaseUnavailable: if the database does not answer.
        """
        held = self._database.alone(key)
        entering = asyncio.ensure_future(self.io(held.__enter__))
        try:
            stands = await asyncio.shield(entering)
        except Exception as error:
            translated = domain_error_of(error)
            if translated is None:
                raise
            raise translated from error
        except asyncio.CancelledError:
            # What is being taken must be given back.
            await asyncio.wait([entering])
            if entering.exception() is None:
                await self.io(partial(held.__exit__, None, None, None))
            raise
        try:
            yield stands
        finally:
            await asyncio.shield(self.io(partial(held.__exit__, None, None, None)))

    def close(self) -> None:
        """End the pools; changes and reads of bytes that run are finished first, questions are given up."""
        self._marks.close()
        if self._readers is not None:
            self._readers.shutdown()
        self._closing = True
        self._queries.shutdown(cancel_futures=True)
        self._io.shutdown(cancel_futures=True)

    async def _submit(self, change: Change[T]) -> T:
        promise: Promise[T] = self._delivering().promise()
        self._writer.submit(change, promise)
        return await promise.future

    def _delivering(self) -> Deliveries:
        loop = asyncio.get_running_loop()
        if self._deliveries is None or self._deliveries.loop is not loop:
            self._deliveries = Deliveries(loop)
        return self._deliveries

    def _read(self, use_case: Callable[[Reader], T], reading: AbstractContextManager[Any]) -> T:
        try:
            with reading as connection:
                return use_case(Reader(connection, self.clock()))
        except Exception as error:
            translated = domain_error_of(error)
            if translated is None:
                raise
            raise translated from error


def _request_key(request: Message, actor: str) -> RequestKey | None:
    request_id: str = getattr(request, "request_id")  # noqa: B009 - generated classes declare no such protocol
    if not request_id:
        return None
    text("request_id", request_id, MAX_REQUEST_ID)
    name = request.DESCRIPTOR.full_name.encode()
    fingerprint = hashlib.sha256(name + b"\0" + request.SerializeToString(deterministic=True)).digest()
    return RequestKey(actor, request_id, fingerprint)
