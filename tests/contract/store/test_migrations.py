"""Migrations bring an empty database to exactly the tables of the program."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from muniment_core.db import schema
from muniment_core.db.database import Database
from muniment_core.db.tables import metadata
from muniment_core.domain.merkle import EMPTY_ROOT
from sqlalchemy import CheckConstraint, inspect, text

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_the_migrated_schema_is_that_of_the_program(empty_database: Database) -> None:
    assert schema.current_revision(empty_database) is None
    assert not schema.is_current(empty_database)
    assert schema.differences(empty_database)
    assert schema.migrate(empty_database, lambda: NOW) == schema.needed_revision()
    assert schema.is_current(empty_database)
    assert schema.differences(empty_database) == []


def test_the_last_step_is_the_one_alembic_ends_at(database: Database) -> None:
    with database.reading() as connection:
        config = schema._config(connection)
        assert MigrationContext.configure(connection).get_current_revision() == schema.needed_revision()
        assert ScriptDirectory.from_config(config).get_heads() == [schema.needed_revision()]


def test_check_constraints_are_migrated_too(database: Database) -> None:
    """Alembic does not compare these."""
    with database.reading() as connection:
        found = {
            (table, constraint["name"])
            for table in metadata.tables
            for constraint in inspect(connection).get_check_constraints(table)
        }
    expected = {
        (table.name, str(constraint.name))
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert found == expected


def test_migrating_again_changes_nothing(database: Database) -> None:
    key = schema.page_token_key(database)
    schema.migrate(database, lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert schema.page_token_key(database) == key
    assert schema.differences(database) == []


def test_a_registry_begins_with_an_empty_ledger(database: Database) -> None:
    with database.reading() as connection:
        size, root = connection.execute(text("SELECT size, root_hash FROM ledger_head")).one()
    assert (size, bytes(root)) == (0, EMPTY_ROOT)
    assert len(schema.page_token_key(database)) == 32


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("cut off before the end")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "_set_up", fail)
        with pytest.raises(RuntimeError, match="cut off"):
            schema.migrate(empty_database, lambda: NOW)
    assert schema.current_revision(empty_database) is None
    with empty_database.reading() as connection:
        assert inspect(connection).get_table_names() == []
    schema.migrate(empty_database, lambda: NOW)
    assert schema.differences(empty_database) == []


def test_a_schema_of_a_later_program_is_refused_and_left_as_it_is(database: Database) -> None:
    later = "0999_from_a_later_release"
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :later"), {"later": later})
    told = (
        f"has schema {later}, while this program knows none after {schema.needed_revision()}: install a newer"
    )
    for refused in (
        lambda: schema.migrate(database, lambda: NOW),
        lambda: schema.require_current(database),
    ):
        with pytest.raises(schema.SchemaAhead, match=told):
            refused()
    assert schema.current_revision(database) == later
    assert schema.differences(database) == []


def test_a_schema_of_an_earlier_program_is_to_be_migrated(database: Database) -> None:
    earlier = schema._steps()[-2]
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :earlier"), {"earlier": earlier})
    with pytest.raises(
        schema.SchemaBehind, match=f"has schema {earlier}, while .* 'muniment-server migrate'"
    ):
        schema.require_current(database)
