"""An empty registry in each of the databases, and the one writer on it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from muniment.ledger.keys import PublicKey
from muniment_core.db import schema
from muniment_core.db.database import Database
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.signing_tables import ledger_checkpoints, ledger_keys, ledger_recoveries
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import LedgerRecovery
from muniment_core.domain.ledger import Entry, EntryDraft
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.proofs import Place
from muniment_core.domain.signing import SignedCheckpoint
from muniment_core.signing.anchor import Anchor, FileAnchor
from muniment_core.signing.changes import add_first_key
from muniment_core.signing.keeper import LedgerKeeper
from muniment_core.signing.key_file import KeyFile
from sqlalchemy import delete, select, update

DEADLINE = 30.0
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database.embedded(tmp_path_factory.mktemp("sqlite"))
    else:
        database = Database(request.getfixturevalue("postgres_database"))
    yield database
    database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded database with the schema, to be copied: migrating takes longer than most tests."""
    directory = tmp_path_factory.mktemp("migrated")
    made = Database.embedded(directory)
    schema.migrate(made, lambda: NOW)
    made.close()
    return directory / Database.FILE


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A registry without entries."""
    if request.param == "sqlite":
        directory = tmp_path_factory.mktemp("sqlite")
        shutil.copy(request.getfixturevalue("migrated_file"), directory)
        database = Database.embedded(directory)
    else:
        database = Database(request.getfixturevalue("migrated_postgres_database"))
    yield database
    database.close()


@pytest.fixture
def committed() -> list[list[Entry]]:
    """What the writer told of each transaction."""
    return []


@pytest.fixture
def writer(database: Database, committed: list[list[Entry]]) -> Iterator[Writer]:
    """A writer that was not started: what is handed in before `start` becomes one batch."""
    made = Writer(database, lambda: NOW, on_commit=committed.append)
    yield made
    made.stop()
    assert "muniment-writer" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def create_project() -> Callable[..., Change[str]]:
    """A change that creates a project, with more to be done in it at will."""

    def make(
        name: str, also: Callable[[UnitOfWork], object] = lambda _unit: None, **fields: object
    ) -> Change[str]:
        def work(unit: UnitOfWork) -> str:
            unit.projects.create(name, description="", now=unit.now, revision=unit.revision)
            also(unit)
            unit.record(EntryDraft(type="project.created", project=name))
            return name

        return Change(work, "tester", **fields)

    return make


class SignedLedger:
    """One process on a registry: its writer, its key file, its anchor and its keeper, driven by hand."""

    def __init__(
        self, database: Database, directory: Path, clock: Callable[[], datetime], *, anchor: Anchor | None
    ) -> None:
        directory.mkdir()
        self.database, self.clock = database, clock
        self.key_file = KeyFile(directory / "key.pem")
        self.anchor_path = directory / "anchor"
        self.anchor = anchor or FileAnchor(self.anchor_path)
        self.begin()

    def begin(self) -> None:
        """Start the process."""
        self.writer = Writer(self.database, self.clock, on_commit=lambda _entries: self.keeper.wake())
        self.keeper = LedgerKeeper(
            self.database, self.clock, anchor=self.anchor, key_file=self.key_file, poll_seconds=0.05
        )
        self.keeper.inspect()
        if self.keeper.alarm:
            self.writer.suspend()
        self.writer.start()

    def end(self) -> None:
        """Stop the process."""
        self.keeper.stop()
        self.writer.stop()

    def restart(self) -> None:
        """Stop the process and start it again."""
        self.end()
        self.begin()

    def make_key(self) -> PublicKey:
        """Give the log its first key."""
        key = self.key_file.generate("example.com/log").public
        self.writer.submit(Change(lambda unit: add_first_key(unit, key), "tester")).result(30)
        return key

    def add(self, *names: str) -> None:
        """Commit an entry per name."""
        for name in names:
            draft = EntryDraft(type="test.happened", data={"name": name})
            self.writer.submit(Change(lambda unit, draft=draft: unit.record(draft), "tester")).result(30)

    def keep(self) -> None:
        """What the keeper's thread does."""
        self.keeper.keep(self.writer)

    def latest(self) -> SignedCheckpoint | None:
        """The newest stored checkpoint."""
        with self.database.reading() as connection:
            return Reader(connection, self.clock()).checkpoints.latest()

    def head(self) -> Frontier:
        """The ledger's head."""
        with self.database.reading() as connection:
            return Reader(connection, self.clock()).ledger.head()

    def entry(self, revision: int) -> Entry:
        """One entry."""
        with self.database.reading() as connection:
            found = Reader(connection, self.clock()).ledger.entry(revision)
        assert found is not None
        return found

    def refuses(self) -> bool:
        """Whether nothing may be written; otherwise an entry was."""
        try:
            self.add("more")
        except LedgerRecovery:
            return True
        return False

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits for what the keeper's thread does."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.005)

    def cut(self, size: int) -> None:
        """Make the database an older copy of itself, whole as it was at that size."""
        with self.database.writing() as connection:
            unit = Reader(connection, self.clock())
            entries = unit.ledger.after(0, EntryQuery(), limit=size)
            older, _ = Frontier().append([entry.leaf_hash for entry in entries])
            kept = {(place.level, place.position) for place in _places(size)}
            for level, position in connection.execute(
                select(ledger_nodes.c.level, ledger_nodes.c.position)
            ).all():
                if (level, position) not in kept:
                    connection.execute(
                        delete(ledger_nodes).where(
                            ledger_nodes.c.level == level, ledger_nodes.c.position == position
                        )
                    )
            connection.execute(delete(ledger_checkpoints).where(ledger_checkpoints.c.size > size))
            for table in (ledger_entries, ledger_keys, ledger_recoveries):
                connection.execute(delete(table).where(table.c.revision > size))
            connection.execute(
                update(ledger_head).values(
                    size=size, root_hash=older.root, frontier=older.to_bytes(), alarm=""
                )
            )


def _places(size: int) -> Iterator[Place]:
    for level in range(1, size.bit_length()):
        for position in range(size >> level):
            yield Place(level, position)


@pytest.fixture
def ledger_of(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., SignedLedger]]:
    """Starts processes on the registry: `ledger_of("a", clock, anchor=shared)`; each has a file of its own."""
    directory, running = tmp_path_factory.mktemp("processes"), []

    def start(
        name: str = "process",
        clock: Callable[[], datetime] = lambda: NOW,
        *,
        anchor: Anchor | None = None,
    ) -> SignedLedger:
        running.append(SignedLedger(database, directory / name, clock, anchor=anchor))
        return running[-1]

    yield start
    for process in running:
        process.end()


@pytest.fixture
def ledger(ledger_of: Callable[..., SignedLedger]) -> SignedLedger:
    """A process that has the key of the log, with ten entries that are signed."""
    process = ledger_of()
    process.make_key()
    process.add(*(f"entry-{number}" for number in range(2, 11)))
    process.keep()
    return process
