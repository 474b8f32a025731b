"""An empty registry in each of the databases, and the one writer on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from muniment_core.db import schema
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.ledger import Entry, EntryDraft

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


@pytest.fixture
def database(empty_database: Database) -> Database:
    """A registry without entries."""
    schema.migrate(empty_database, lambda: NOW)
    return empty_database


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
