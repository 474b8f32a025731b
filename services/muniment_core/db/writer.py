"""The single writer of a process: group commit of all changes that wait.

It takes every change that is waiting, runs each in its own savepoint, appends their ledger entries, commits
once, and answers all: one fsync serves many callers, and a change that fails rolls back alone. The head of the
ledger is locked first, so on PostgreSQL the writers of several replicas take turns, and what a use case checks
inside its transaction stays true until it commits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar, overload

from muniment.ledger.entries import request_digest
from muniment.names import ModelName
from sqlalchemy import Connection

from muniment_core.db.batch import Batch
from muniment_core.db.database import Database
from muniment_core.db.inbox import Inbox
from muniment_core.db.integrity import domain_error_of, is_conflict, is_infrastructure
from muniment_core.db.ledger_store import LedgerStore, appending, asking_for_head, check_moved, head_of
from muniment_core.db.model_store import marking_changed
from muniment_core.db.prepared import Question
from muniment_core.db.request_store import RequestKey, answers_to, remembering
from muniment_core.db.unit_of_work import UnitOfWork, UnrecordedChange
from muniment_core.domain.errors import LedgerRecovery, RequestIdReused, ShuttingDown
from muniment_core.domain.ledger import Entry, entry_body
from muniment_core.domain.merkle import leaf_hash

CONFLICT_ATTEMPTS = 3
"""How often a transaction is tried that the database ended because of another replica's."""
MAX_BATCH = 256
"""Most changes of one transaction: enough to hide the fsync, few enough to keep locks short."""
WORTH_A_COMMIT = 4
"""So many changes are never parted."""
MOST_PATIENCE_SECONDS = 0.01
"""No answer that can be given is held back for longer, however long the disk took the last time."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)

T = TypeVar("T")
Promised = TypeVar("Promised", contravariant=True)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A piece of work for the writer.

    Attributes:
        work: runs in the transaction; its result is the answer.
        actor: principal that asked.
        recorded: True for a change of the registry, which leaves exactly one ledger entry; False for
            bookkeeping, which leaves none.
        request: set when the answer (bytes) is to be remembered for repeated requests.
        asks: what the work is going to ask the database, as far as that is known: all changes' questions cost one
            trip together. Only those that look for the answers with the batch have use of it.
        in_recovery: True for the operator's decision how to go on with a ledger that is not what was signed.
    """

    work: Callable[[UnitOfWork], T]
    actor: str
    recorded: bool = True
    request: RequestKey | None = None
    asks: Sequence[Question] = ()
    in_recovery: bool = False


class Promise(Protocol[Promised]):
    """Where the outcome of a change goes; :class:`concurrent.futures.Future` is one."""

    def set_running_or_notify_cancel(self) -> bool:
        """Whether somebody still waits for the change; it is not made otherwise."""

    def set_result(self, result: Promised, /) -> None:
        """The change is durable."""

    def set_exception(self, error: BaseException, /) -> None:
        """It is not."""


@dataclass(slots=True)
class _Waiting:
    change: Change[Any]
    promise: Promise[Any]
    answer: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the only thread of the process that writes to the database."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, on_commit: Callable[[list[Entry]], None]
    ) -> None:
        """
        Args:
            clock: tells the time, aware and in UTC.
            on_commit: told the entries of each transaction after it is durable; called on the writer's thread.
        """
        self._database = database
        self._clock = clock
        self._on_commit = on_commit
        self._inbox: Inbox[_Waiting] = Inbox()
        self._thread = threading.Thread(target=self._run, name="muniment-writer", daemon=True)
        self._suspended = False
        self._unanswered: list[_Waiting] = []
        self._returning = 0
        """So many callers were answered during the last transaction, and are likely to ask for the next thing."""
        self._patience_seconds = 0.0
        self._newest_revision = -1
        self._newest_time = _BEGINNING

    def suspend(self) -> None:
        """Write nothing more in this process, since the ledger is not what was signed."""
        self._suspended = True

    def resume(self) -> None:
        """Write again, as far as the ledger's head does not say otherwise."""
        self._suspended = False

    def start(self) -> None:
        """Begin to take changes."""
        self._thread.start()

    @overload
    def submit(self, change: Change[T]) -> Future[T]: ...
    @overload
    def submit(self, change: Change[T], promise: Promise[T]) -> Promise[T]: ...
    def submit(self, change: Change[T], promise: Promise[T] | None = None) -> Future[T] | Promise[T]:
        """Hand in a change. The promise (a future) ends when it is durable, or with the reason it is not.

        Once the writer has taken a change, cancelling the future has no effect on it.

        Raises:
            ShuttingDown: if the writer was stopped.
        """
        promised: Future[T] | Promise[T] = Future() if promise is None else promise
        if not self._inbox.put(_Waiting(change, promised)):
            raise ShuttingDown
        return promised

    def stop(self) -> None:
        """Finish what was handed in, then end. Further changes are refused."""
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            batch = [waiting for waiting in batch if waiting.promise.set_running_or_notify_cancel()]
            if not all(waiting.change.asks for waiting in batch):
                self._answer()  # such changes may take long
            if batch:
                began = time.monotonic()
                self._commit(batch)
                self._patience_seconds = min(time.monotonic() - began, MOST_PATIENCE_SECONDS)
        self._answer()

    def _take(self) -> list[_Waiting]:
        """The changes of the next transaction; none when the writer was stopped.

        While the event loop answers one half of the callers and reads what they ask next, the changes of the
        other half are written to disk. So who was just answered is waited for, though no longer than a transaction
        takes, and of those who wait no more are taken than that makes two halves. Taken as they come, most
        transactions had a change or two, and a small one costs the disk as much as a large one.
        """
        waiting = self._inbox.wait(self._returning, self._patience_seconds)
        if not waiting:
            self._answer()
            waiting = self._inbox.wait(1)
        self._returning = 0
        if not self._unanswered:
            return self._inbox.take(MAX_BATCH)
        half = (waiting + len(self._unanswered) + 1) // 2
        return self._inbox.take(min(max(half, WORTH_A_COMMIT), MAX_BATCH))

    def _commit(self, batch: list[_Waiting], attempts: int = CONFLICT_ATTEMPTS) -> None:
        """Commit a batch; if the database refuses one of its changes, each by itself.

        A commit that failed may have happened: nothing is tried again then, or changes would happen twice. And a
        database that is away or full is so for all: trying each would wait once for each.
        """
        applied = False
        try:
            with self._database.writing() as connection:
                entries = self._apply(connection, batch)
                applied = True
                self._returning = len(self._unanswered)
                self._answer()
        except BaseException as error:  # noqa: BLE001 - the thread must live on, and every caller is answered
            self._answer()
            translated = domain_error_of(error)
            if not applied and is_conflict(error) and attempts > 1:
                self._again(batch, attempts - 1)
                return
            if not applied and translated is None and len(batch) > 1:
                for waiting in batch:
                    self._again([waiting], attempts)
                return
            if translated is not None:
                _log.warning("a transaction failed: %s", error)
                translated.__cause__ = error
            for waiting in batch:
                waiting.promise.set_exception(waiting.error or translated or error)
            return
        self._unanswered += batch
        if not self._database.is_sqlite:
            self._answer()
        if entries:
            self._newest_revision, self._newest_time = entries[-1].revision, entries[-1].time
            self._on_commit(entries)

    def _answer(self) -> None:
        """Answer whose changes are durable, and who has not been answered yet.

        On SQLite that is done while the next transaction is written to disk, if changes are waiting: the writer
        needs the interpreter until then, and the event loop, which has the answers to send, from then on. Done at
        once, the two take turns at it statement by statement, and nobody needs it while the disk is waited for.
        """
        for waiting in self._unanswered:
            if waiting.error is not None:
                waiting.promise.set_exception(waiting.error)
            else:
                waiting.promise.set_result(waiting.answer)
        self._unanswered.clear()

    def _again(self, batch: list[_Waiting], attempts: int) -> None:
        for waiting in batch:
            waiting.error = waiting.answer = None
        self._commit(batch, attempts)

    def _apply(self, connection: Connection, batch: list[_Waiting]) -> list[Entry]:
        transaction, changes = (
            Batch(connection, single=len(batch) == 1),
            [waiting.change for waiting in batch],
        )
        head, *given = transaction.foresee(
            [
                asking_for_head(lock=any(change.recorded for change in changes)),
                *(known := answers_to(change.request for change in changes if change.request is not None)),
                *(question for change in changes for question in change.asks),
            ]
        )
        before, alarm = head_of(head)
        now = self._now(LedgerStore(connection), before.size)
        if (alarm or self._suspended) and not all(waiting.change.in_recovery for waiting in batch):
            raise LedgerRecovery
        answers = _Answers(transaction, now, (row for rows in given[: len(known)] for row in rows))
        entries: list[Entry] = []
        for waiting in batch:
            change = waiting.change
            unit = UnitOfWork(transaction, now, actor=change.actor, revision=before.size + len(entries) + 1)
            transaction.begin_change()
            try:
                remembered = answers.given_before(change.request)
                if remembered is not None:
                    waiting.answer = remembered
                else:
                    waiting.answer = change.work(unit)
                    if change.recorded:
                        entry = _entry(unit, change.request, waiting.answer)
                        answers.remember(change.request, waiting.answer, revision=unit.revision)
                        entries.append(entry)
                    elif unit.has_recorded:
                        raise UnrecordedChange(f"bookkeeping recorded {unit.draft.type}")
                transaction.keep_change()
            except Exception as error:
                if is_infrastructure(error) or len(batch) == 1:
                    raise
                transaction.drop_change()
                waiting.error = error
        if not entries:
            transaction.send()
            return entries
        # For every entry and in one place, so that no use case can forget it.
        changed = marking_changed(
            {
                ModelName(entry.draft.project, entry.draft.model): entry.revision
                for entry in entries
                if entry.draft.model
            }
        )
        check_moved(before, transaction.send([changed, *appending(before, entries)]))
        return entries

    def _now(self, ledger: LedgerStore, size: int) -> datetime:
        """The time of a transaction: read once the head is locked, and never before that of the last entry.

        So times do not run backwards in the order of revisions, also when a replica's clock is ahead of others.
        """
        if size != self._newest_revision:
            self._newest_time = ledger.time_of(size)
        return max(self._clock(), self._newest_time)


class _Answers:
    """The answers that are remembered, those of the running transaction included."""

    def __init__(self, transaction: Batch, now: datetime, stored: Iterable[Any]) -> None:
        """
        Args:
            stored: the rows of all requests of the transaction that were answered before it.
        """
        self._transaction = transaction
        self._now = now
        self._known: dict[tuple[str, str], tuple[bytes, bytes]] = {
            (row.principal, row.request_id): (row.fingerprint, bytes(row.response)) for row in stored
        }

    def given_before(self, key: RequestKey | None) -> bytes | None:
        """The answer to a repeated request, or None.

        Raises:
            RequestIdReused: if the id was used for another request.
        """
        if key is None:
            return None
        known = self._known.get((key.principal, key.request_id))
        if known is None:
            return None
        if known[0] != key.fingerprint:
            raise RequestIdReused(key.request_id)
        return known[1]

    def remember(self, key: RequestKey | None, answer: bytes, *, revision: int) -> None:
        if key is not None:
            statement, rows = remembering(key, answer, revision=revision, time=self._now)
            self._transaction.later(statement, rows)
            self._known[key.principal, key.request_id] = key.fingerprint, answer


def _entry(unit: UnitOfWork, request: RequestKey | None, answer: Any) -> Entry:
    draft = unit.draft
    made_by = request_digest(request.request_id, request.fingerprint, answer) if request else ""
    body = entry_body(draft, revision=unit.revision, time=unit.now, actor=unit.actor, request=made_by)
    return Entry(unit.revision, unit.now, unit.actor, draft, body, leaf_hash(body))
