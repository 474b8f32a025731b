"""Connections that PostgreSQL ended while they were idle are replaced before anybody is given one."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from muniment_core.db import kept
from muniment_core.db.database import Database
from sqlalchemy import text

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
ONE = text("SELECT 1")


def test_connections_that_ended_while_idle_are_replaced(
    migrated_postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_TRUSTED_SECONDS", 0.0)
    with closing(Database(migrated_postgres_database)) as database:
        for use in (database.reading, database.writing):
            with use() as connection:
                assert connection.execute(ONE).scalar_one() == 1
        with psycopg.connect(migrated_postgres_database, autocommit=True) as operator:
            ended = operator.execute(f"SELECT count(pg_terminate_backend(pid, 10000)) {OTHERS}").fetchone()
            assert ended == (2,)
        for use in (database.reading, database.writing):
            with use() as connection:
                assert connection.execute(ONE).scalar_one() == 1
