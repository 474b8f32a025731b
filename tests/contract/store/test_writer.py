"""The writer: one transaction for all that wait, each change by itself, one entry for each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from muniment_core.db.database import Database
from muniment_core.db.ledger_store import EntryQuery, asking_for_head
from muniment_core.db.request_store import RequestKey
from muniment_core.db.tables import projects
from muniment_core.db.unit_of_work import Reader, UnitOfWork, UnrecordedChange
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import DatabaseUnavailable, NameTaken, RequestIdReused, ShuttingDown
from muniment_core.domain.ledger import Entry, EntryDraft
from muniment_core.domain.merkle import Frontier
from sqlalchemy import Connection, event, insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

Make = Callable[..., Change[str]]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def state(database: Database) -> tuple[list[str], list[int], Frontier]:
    """Names of the projects, revisions of the ledger, and its head, from one snapshot."""
    with database.reading() as connection:
        reader = Reader(connection, NOW)
        names = [project.name for project in reader.projects.page(after=None, limit=1000, only=None)]
        entries = reader.ledger.after(0, EntryQuery(), limit=1000)
        return names, [entry.revision for entry in entries], reader.ledger.head()


def boom(_unit: UnitOfWork) -> None:
    raise ValueError("a use case fails")


def break_constraint(unit: UnitOfWork) -> None:
    row = {"name": "x", "folded_name": None, "description": "", "create_time": unit.now, "revision": 1}
    unit.connection.execute(insert(projects).values(row))


def break_statement(unit: UnitOfWork) -> None:
    unit.connection.execute(text("SELECT * FROM no_such_table"))


def test_what_waits_is_committed_in_one_transaction_in_order(
    database: Database, writer: Writer, committed: list[list[Entry]], create_project: Make
) -> None:
    futures = [writer.submit(create_project(f"p{index}")) for index in range(10)]
    writer.start()
    assert [future.result(30) for future in futures] == [f"p{index}" for index in range(10)]
    writer.stop()  # who is told of entries may be told after the callers were answered
    assert [[entry.revision for entry in batch] for batch in committed] == [list(range(1, 11))]
    names, revisions, head = state(database)
    assert names == [f"p{index}" for index in range(10)]
    assert revisions == list(range(1, 11))
    assert head == Frontier().append([entry.leaf_hash for entry in committed[0]])[0]


def test_a_failing_change_rolls_back_alone_and_leaves_no_gap(
    database: Database, writer: Writer, committed: list[list[Entry]], create_project: Make
) -> None:
    good = [writer.submit(create_project("a"))]
    failing = [
        (writer.submit(create_project("lost-1", boom)), ValueError),
        (writer.submit(create_project("A")), NameTaken),
    ]
    good.append(writer.submit(create_project("b")))
    failing.append((writer.submit(create_project("lost-2", boom)), ValueError))
    good.append(writer.submit(create_project("c")))
    writer.start()
    assert [future.result(30) for future in good] == ["a", "b", "c"]
    for future, expected in failing:
        assert isinstance(future.exception(30), expected)
    assert state(database)[:2] == (["a", "b", "c"], [1, 2, 3])
    writer.stop()
    assert len(committed) == 1


@pytest.mark.parametrize("breaking", [break_constraint, break_statement])
def test_a_database_error_in_one_change_does_not_poison_the_others(
    database: Database, writer: Writer, create_project: Make, breaking: Callable[[UnitOfWork], None]
) -> None:
    before = writer.submit(create_project("a"))
    broken = writer.submit(create_project("lost", breaking))
    after = writer.submit(create_project("b"))
    writer.start()
    assert (before.result(30), after.result(30)) == ("a", "b")
    assert broken.exception(30) is not None
    assert writer.submit(create_project("c")).result(30) == "c"
    assert state(database)[:2] == (["a", "b", "c"], [1, 2, 3])


def test_a_constraint_that_no_caller_can_break_is_a_defect(writer: Writer, create_project: Make) -> None:
    writer.start()
    assert isinstance(writer.submit(create_project("lost", break_constraint)).exception(30), IntegrityError)


def test_a_change_that_records_nothing_or_twice_is_refused(
    database: Database, writer: Writer, create_project: Make
) -> None:
    def unrecorded(unit: UnitOfWork) -> None:
        unit.projects.create("silent", description="", now=unit.now, revision=unit.revision)

    def twice(unit: UnitOfWork) -> None:
        unit.record(EntryDraft(type="first"))

    futures = [writer.submit(Change(unrecorded, "tester")), writer.submit(create_project("loud", twice))]
    writer.start()
    for future in futures:
        assert isinstance(future.exception(30), UnrecordedChange)
    assert state(database) == ([], [], Frontier())


def test_bookkeeping_leaves_no_entry_and_may_record_none(
    database: Database, writer: Writer, committed: list[list[Entry]], create_project: Make
) -> None:
    def note(unit: UnitOfWork) -> str:
        unit.projects.create("noted", description="", now=unit.now, revision=0)
        return "done"

    noted = writer.submit(Change(note, "tester", recorded=False))
    recorded = writer.submit(create_project("lost", recorded=False))
    writer.start()
    assert noted.result(30) == "done"
    assert isinstance(recorded.exception(30), UnrecordedChange)
    assert state(database) == (["noted"], [], Frontier())
    writer.stop()
    assert committed == []


def test_an_answer_is_remembered_with_the_change_it_answers(
    database: Database, writer: Writer, create_project: Make
) -> None:
    calls = []

    def change(name: str, fingerprint: bytes, *, fails: bool = False) -> Change[bytes]:
        def work(unit: UnitOfWork) -> bytes:
            calls.append(name)
            unit.projects.create(name, description="", now=unit.now, revision=unit.revision)
            unit.record(EntryDraft(type="project.created", project=name))
            if fails:
                raise ValueError
            return name.encode()

        return Change(work, "tester", request=RequestKey("tester", "id", fingerprint))

    failed = writer.submit(change("lost", b"0", fails=True))
    first, same = writer.submit(change("a", b"1")), writer.submit(change("a", b"1"))
    other = writer.submit(change("b", b"2"))
    writer.start()
    assert isinstance(failed.exception(30), ValueError)
    assert (first.result(30), same.result(30)) == (b"a", b"a")
    assert isinstance(other.exception(30), RequestIdReused)
    assert writer.submit(change("a", b"1")).result(30) == b"a"
    assert calls == ["lost", "a"]
    assert state(database)[:2] == (["a"], [1])


def test_an_entry_that_is_too_large_refuses_its_change_alone(
    database: Database, writer: Writer, create_project: Make
) -> None:
    def work(unit: UnitOfWork) -> None:
        unit.projects.create("lost", description="", now=unit.now, revision=unit.revision)
        unit.record(EntryDraft(type="project.created", reason="x" * 65_536))

    large = writer.submit(Change(work, "tester"))
    small = writer.submit(create_project("a"))
    writer.start()
    assert getattr(large.exception(30), "reason", None) == "LIMIT_EXCEEDED"
    assert small.result(30) == "a"
    assert state(database)[:2] == (["a"], [1])


def test_a_commit_that_failed_is_not_tried_again_by_each_change(
    database: Database, writer: Writer, create_project: Make
) -> None:
    """It may have happened: the caller decides, with its request id."""
    runs = []
    futures = [
        writer.submit(create_project(name, lambda unit, name=name: runs.append(name))) for name in ("a", "b")
    ]

    def fail(_connection: object) -> None:
        raise ConnectionError("lost while committing")

    engine = database._writers.engine
    event.listen(engine, "commit", fail)
    writer.start()
    errors = [future.exception(30) for future in futures]
    event.remove(engine, "commit", fail)
    assert [type(error) for error in errors] == [ConnectionError, ConnectionError]
    assert runs == ["a", "b"]
    assert writer.submit(create_project("c")).result(30) == "c"
    assert state(database)[1] == [1]


def test_writers_of_two_replicas_take_turns_and_leave_no_gap(
    database: Database, writer: Writer, create_project: Make
) -> None:
    if database.is_sqlite:
        # An embedded database has one writer only: its directory is locked.
        replicas = [writer]
    else:
        replicas = [writer, Writer(Database(_url(database)), lambda: NOW, on_commit=lambda _entries: None)]
    for replica in replicas:
        replica.start()
    with ThreadPoolExecutor(4) as pool:
        futures = list(
            pool.map(lambda n: replicas[n % len(replicas)].submit(create_project(f"p{n:03}")), range(60))
        )
        assert sorted(future.result(30) for future in futures) == [f"p{n:03}" for n in range(60)]
    for replica in replicas[1:]:
        replica.stop()
        replica._database.close()
    assert state(database)[1] == list(range(1, 61))


def _url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def test_a_stopped_writer_finishes_what_it_was_handed_and_refuses_more(
    database: Database, writer: Writer, create_project: Make
) -> None:
    futures = [writer.submit(create_project(f"p{index}")) for index in range(5)]
    writer.start()
    writer.stop()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(ShuttingDown):
        writer.submit(create_project("late"))
    assert len(state(database)[1]) == 5


def test_a_change_cancelled_before_it_began_does_not_happen(
    database: Database, writer: Writer, create_project: Make
) -> None:
    cancelled, kept = writer.submit(create_project("no")), writer.submit(create_project("yes"))
    assert cancelled.cancel()
    writer.start()
    assert kept.result(30) == "yes"
    assert state(database)[0] == ["yes"]


@pytest.mark.parametrize("following", ["works", "fails", "breaks the batch", "is cancelled", "is the end"])
def test_whose_change_is_durable_is_answered_whatever_becomes_of_the_next(
    database: Database, writer: Writer, create_project: Make, following: str
) -> None:
    """Answers may wait for the next transaction, and so for nothing that comes after it."""
    begun, others_wait = threading.Event(), threading.Event()

    def slow(_unit: UnitOfWork) -> None:
        begun.set()
        others_wait.wait(30)

    deeds = {"fails": boom, "breaks the batch": break_statement}
    first = writer.submit(create_project("a", slow))
    writer.start()
    assert begun.wait(30)
    asks = [asking_for_head(lock=False)]
    next_ones = [
        writer.submit(replace(create_project(name, *filter(None, [deeds.get(following)])), asks=asks))
        for name in ("b", "c")
    ]
    if following == "is cancelled":
        assert all(future.cancel() for future in next_ones)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(writer.stop) if following == "is the end" else None
        others_wait.set()
        assert first.result(30) == "a"
        if stopped is not None:
            stopped.result(30)
    if following in ("works", "is the end"):
        assert [future.result(30) for future in next_ones] == ["b", "c"]
    elif following != "is cancelled":
        assert all(future.exception(30) is not None for future in next_ones)
    assert state(database)[0] == (["a", "b", "c"] if following in ("works", "is the end") else ["a"])


def test_no_answer_waits_for_a_change_that_may_take_long(writer: Writer, create_project: Make) -> None:
    """Only of changes that say what they ask is it known that they are short."""
    begun, others_wait, answered = threading.Event(), threading.Event(), threading.Event()
    seen: list[bool] = []

    def slow(_unit: UnitOfWork) -> None:
        begun.set()
        others_wait.wait(30)

    first = writer.submit(create_project("a", slow))
    first.add_done_callback(lambda _future: answered.set())
    writer.start()
    assert begun.wait(30)
    long = writer.submit(create_project("long", lambda _unit: seen.append(answered.wait(30))))
    others_wait.set()
    assert long.result(60) == "long"
    assert seen == [True]


def test_callers_that_come_again_and_again_are_committed_together(
    writer: Writer, create_project: Make, committed: list[list[Entry]]
) -> None:
    """Twelve callers, each asking again as soon as it is answered, in far fewer transactions than changes."""
    asks = [asking_for_head(lock=False)]
    callers, turns = 12, 10

    def call(caller: int) -> None:
        for turn in range(turns):
            name = f"p{caller}-{turn}"
            assert writer.submit(replace(create_project(name), asks=asks)).result(30) == name

    writer.start()
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))
    writer.stop()
    assert [entry.revision for batch in committed for entry in batch] == list(range(1, callers * turns + 1))
    assert len(committed) <= callers * turns / 3


def test_a_database_that_is_away_fails_all_that_wait_by_one_attempt(
    database: Database, writer: Writer, create_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    @contextmanager
    def unreachable() -> Iterator[None]:
        attempts.append(1)
        raise PoolTimeout("nobody answers")
        yield

    monkeypatch.setattr(database, "writing", unreachable)
    futures = [writer.submit(create_project(f"p{index}")) for index in range(50)]
    writer.start()
    assert all(isinstance(future.exception(30), DatabaseUnavailable) for future in futures)
    assert len(attempts) == 1


def test_a_transaction_that_another_replica_broke_is_tried_again(
    database: Database, writer: Writer, create_project: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, deadlocks = (
        database.writing,
        [psycopg.errors.DeadlockDetected(), psycopg.errors.SerializationFailure()],
    )

    @contextmanager
    def contended() -> Iterator[Connection]:
        if deadlocks:
            raise deadlocks.pop()
        with real() as connection:
            yield connection

    monkeypatch.setattr(database, "writing", contended)
    monkeypatch.setattr("muniment_core.db.integrity._POSTGRESQL_CONFLICT", {"40001", "40P01", None})
    futures = [writer.submit(create_project(f"p{index}")) for index in range(3)]
    writer.start()
    assert [future.result(30) for future in futures] == ["p0", "p1", "p2"]
    assert state(database)[1] == [1, 2, 3]


def test_times_never_run_backwards_in_the_order_of_revisions(
    database: Database, create_project: Make
) -> None:
    """A replica whose clock is behind follows one whose clock is ahead, and then its own clock was set back."""
    behind = [NOW - timedelta(hours=1), NOW - timedelta(hours=2), NOW + timedelta(hours=1)]
    for names, clock in ((["a"], lambda: NOW), (["b", "c", "d"], lambda: behind.pop(0))):
        replica = Writer(database, clock, on_commit=lambda _entries: None)
        replica.start()
        for name in names:
            replica.submit(create_project(name)).result(30)
        replica.stop()
    with database.reading() as connection:
        entries = Reader(connection, NOW).ledger.after(0, EntryQuery(), limit=10)
    assert [entry.time for entry in entries] == [NOW, NOW, NOW, NOW + timedelta(hours=1)]
