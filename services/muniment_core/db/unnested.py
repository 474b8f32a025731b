"""Inserting many rows with one statement on PostgreSQL.

There a statement costs more than the row it inserts: sixteen new versions were some 150 statements. Here each
column is one array, so one text, which is planned once, serves any number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import TypeEngine


def unnested(statement: Insert, columns: Sequence[str], dialect: Dialect) -> str:
    """The text that inserts a row for each element of the arrays named as the columns are."""
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column) for column in columns)
    arrays = ", ".join(f"%({name})s::{_array(statement.table.c[name].type, dialect)}" for name in columns)
    table = dialect.identifier_preparer.format_table(statement.table)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"


def _array(kind: TypeEngine[object], dialect: Dialect) -> str:
    implementation = kind.dialect_impl(dialect)
    # A cast to VARCHAR(n) would cut what is too long, where inserting it is refused.
    inner = "TEXT" if isinstance(implementation, String) else implementation.compile(dialect)
    return f"{inner}[]"
