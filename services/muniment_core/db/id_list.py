"""Lists of keys, each given as one parameter: the text of a statement stays the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, String, Text, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine


class _IdList(TypeDecorator[Sequence[int | str]]):
    """An array on PostgreSQL, a JSON array on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, *, of_text: bool) -> None:
        super().__init__()
        self.of_text = of_text

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        element = Text() if self.of_text else BigInteger()
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(element))

    def process_bind_param(self, value: Sequence[int | str] | None, dialect: Dialect) -> Any:
        return json.dumps(list(value or ())) if dialect.name == "sqlite" else list(value or ())


class _among(FunctionElement[Any]):
    # Not a Boolean, which SQLAlchemy would compare with 1 on SQLite, so that no index fits any more.
    type = NullType()
    name = "among"
    inherit_cache = True


def among(column: ColumnElement[int] | ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Whether a column is one of the keys that the parameter of this name gives."""
    return _among(column, bindparam(name, type_=_IdList(of_text=isinstance(column.type, String))))


class _each(FunctionElement[Any]):
    name = "each"
    inherit_cache = True


def each_of(name: str) -> ColumnElement[int]:
    """The keys that the parameter of this name gives, as the one column of a table."""
    return _each(bindparam(name, type_=_IdList(of_text=False))).table_valued("value").c.value


@compiles(_among, "sqlite")
def _among_sqlite(element: _among, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({compiler.process(ids, **kw)}))"


@compiles(_among, "postgresql")
def _among_postgresql(element: _among, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(ids, **kw)})"


@compiles(_each, "sqlite")
def _each_sqlite(element: _each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_each, "postgresql")
def _each_postgresql(element: _each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **kw)}) AS value)"
