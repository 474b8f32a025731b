"""Whether the database is sound in itself: its file, its references, its schema."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

_SOUND = "ok"


def damage(connection: Connection) -> Iterator[str]:
    """What SQLite finds wrong with the pages, the indexes and the constraints of its file; nothing on PostgreSQL,
    which has no such question.
    """
    if connection.dialect.name == "sqlite":
        for (text,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if text != _SOUND:
                yield str(text)


def dangling(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Table, row and referenced table of each reference that leads nowhere; PostgreSQL allows none."""
    if connection.dialect.name == "sqlite":
        for table, row, referenced, _index in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield str(table), str(row), str(referenced)
