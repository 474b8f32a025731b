"""What SQLite and PostgreSQL write differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, String, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


class contains(FunctionElement[Any]):
    """Whether a text holds another one, where case counts; LIKE differs in that between the databases."""

    # Not a Boolean, which SQLAlchemy would compare with 1 on SQLite.
    type = NullType()
    name = "contains"
    inherit_cache = True


class unindexed(FunctionElement[Any]):
    """The same value, by which SQLite looks nothing up.

    SQLite has no statistics here and would take any index that fits a condition; which one is walked along is
    decided by counting (:mod:`muniment_core.db.search.driving`). PostgreSQL is left to its statistics.
    """

    name = "unindexed"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


class one_of_few(FunctionElement[Any]):
    """Whether a key is one of those that a statement gives, which are few and are read first.

    PostgreSQL may read `IN` the other way round where it does not know the values that make them few.
    """

    # Not a Boolean, as above.
    type = NullType()
    name = "one_of_few"
    inherit_cache = True

    def __init__(self, key: ColumnElement[int], keys: Select[Any]) -> None:
        super().__init__(key, keys.scalar_subquery())


def written(text: str) -> ColumnElement[str]:
    """A text of ours that stands in the statement itself: a parameter means as little to statistics as any other.

    PostgreSQL would take a state to be unequal to a parameter in no row where all have the same state.
    """
    assert text.isalpha() or not text, text
    return literal_column(f"'{text}'", String())


@compiles(contains, "sqlite")
def _contains_sqlite(element: contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **kw)}) > 0)"


@compiles(contains, "postgresql")
def _contains_postgresql(element: contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **kw)}) > 0)"


@compiles(one_of_few, "sqlite")
def _one_of_few_sqlite(element: one_of_few, compiler: SQLCompiler, **kw: Any) -> str:
    key, keys = element.clauses
    return f"{compiler.process(key, **kw)} IN {compiler.process(keys, **kw)}"


@compiles(one_of_few, "postgresql")
def _one_of_few_postgresql(element: one_of_few, compiler: SQLCompiler, **kw: Any) -> str:
    key, keys = element.clauses
    return f"{compiler.process(key, **kw)} = ANY (ARRAY{compiler.process(keys, **kw)})"


@compiles(unindexed, "sqlite")
def _unindexed_sqlite(element: unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(unindexed, "postgresql")
def _unindexed_postgresql(element: unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))
