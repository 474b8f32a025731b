"""Core statements compiled once and run on the driver's own cursor.

SQLAlchemy takes some 100 µs of Python to run a statement that SQLite answers in 5: it finds the compiled form,
builds a context, fires events and wraps the rows. A statement of a hot path is known beforehand, so all of that
is done once per dialect. The SQL, the conversion of values and that of rows still come from Core alone, so a
prepared statement means on both databases exactly what the statement it was made of means.

Not for statements whose text depends on their values, such as ``IN`` over a list.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, String
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert, Update, UpdateBase
from sqlalchemy.sql.selectable import CompoundSelect, Select
from sqlalchemy.types import TypeEngine

from muniment_core.db.arrays import array_text

Processor = Callable[[Any], Any]
Rows = tuple["Prepared", Sequence[Mapping[str, Any]]]
"""A statement and the values of each time it is to be run."""
Question = tuple["Prepared", Mapping[str, Any]]
"""A statement that reads, and its values."""


@dataclass(slots=True, eq=False)
class Form:
    """A statement as one dialect's driver takes it.

    Attributes:
        parameters: name, conversion (or None), default, and whether there is none, of each parameter, in the
            driver's order.
        positional: whether the driver takes values by position rather than by name.
        many: inserts any number of rows, given arrays of values by name; empty where there is no such text.
        row: makes a row from its values.
        columns: types of the columns of a row.
        conversions: of the columns that need any, by position; None until the driver has told what it gives.
    """

    text: str
    parameters: tuple[tuple[str, Processor | None, Any, bool], ...]
    positional: bool
    many: str
    row: Callable[[Sequence[Any]], Any]
    columns: tuple[TypeEngine[Any], ...]
    conversions: tuple[tuple[int, Processor], ...] | None = None

    def bound(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them.

        Raises:
            KeyError: if one is missing.
        """
        found = []
        for name, convert, default, required in self.parameters:
            value = values[name] if required else default
            found.append(value if convert is None else convert(value))
        if self.positional:
            return found
        return {parameter[0]: value for parameter, value in zip(self.parameters, found, strict=True)}

    def bound_together(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """The values of all rows as ``many`` takes them."""
        return {
            name: array_text(
                [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]
            )
            for name, convert, _, _ in self.parameters
        }

    def read(self, cursor: Any, dialect: Dialect, raw: Sequence[Any]) -> Any:
        """A row from what the driver gave."""
        if self.conversions is None:
            found = (
                (
                    position,
                    kind.dialect_impl(dialect).result_processor(dialect, cursor.description[position][1]),
                )
                for position, kind in enumerate(self.columns)
            )
            self.conversions = tuple(
                (position, convert) for position, convert in found if convert is not None
            )
        if not self.conversions:
            return self.row(raw)
        values = list(raw)
        for position, convert in self.conversions:
            values[position] = convert(values[position])
        return self.row(values)


class Prepared:
    """One statement; its rows are named tuples with the columns' names."""

    def __init__(
        self, statement: Select[Any] | CompoundSelect[Any] | UpdateBase, *, columns: Sequence[str] = ()
    ) -> None:
        """
        Args:
            statement: with named parameters for all that varies.
            columns: of an INSERT without values, the columns to be given.
        """
        self._statement: Select[Any] | CompoundSelect[Any] | UpdateBase | None = statement
        self._columns = list(columns) or None
        self._forms: dict[str, Form] = {}

    @property
    def statement(self) -> Select[Any] | CompoundSelect[Any] | UpdateBase:
        """What it was made of."""
        assert self._statement is not None, "it was compiled for one dialect alone"
        return self._statement

    def compiled_for(self, dialect: Dialect) -> Self:
        """The same, for this dialect alone: what it was made of takes ten times the memory, and is let go of."""
        self.form(dialect)
        self._statement = None
        return self

    def all(self, connection: Connection, /, **values: Any) -> list[Any]:
        """Every row."""
        return self.rows_by_driver(connection.dialect, driver_of(connection), values)

    def as_sent(self, connection: Connection, /, **values: Any) -> tuple[str, Any]:
        """The text and the values that the driver is given, to have the database explain them."""
        form = self.form(connection.dialect)
        return form.text, form.bound(values)

    def first(self, connection: Connection, /, **values: Any) -> Any | None:
        """The first row, or None; for statements that give one at most."""
        return self.first_by_driver(connection.dialect, driver_of(connection), values)

    def first_by_driver(self, dialect: Dialect, driver: Any, values: Mapping[str, Any]) -> Any | None:
        """The first row, or None, over a connection of the driver; for statements that give one at most."""
        found = self.rows_by_driver(dialect, driver, values)
        return found[0] if found else None

    def rows_by_driver(self, dialect: Dialect, driver: Any, values: Mapping[str, Any]) -> list[Any]:
        """Every row, over a connection of the driver."""
        form = self.form(dialect)
        cursor = driver.execute(form.text, form.bound(values))
        # A statement that is read half keeps its snapshot of SQLite for as long as anybody keeps the error that
        # ended the reading, and whatever is read next over that connection would be as old. So all rows come
        # before any is converted, and a statement with a row that the driver cannot read is ended.
        try:
            rows = cursor.fetchall()
        except BaseException:
            cursor.close()
            raise
        return [form.read(cursor, dialect, raw) for raw in rows]

    def run(self, connection: Connection, /, **values: Any) -> int:
        """Run a statement without rows; returns how many it touched."""
        form = self.form(connection.dialect)
        return int(driver_of(connection).execute(form.text, form.bound(values)).rowcount)

    def send(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Run a statement without rows for each of the given ones; the cursor tells more once the trip is over."""
        form = self.form(connection.dialect)
        cursor = driver_of(connection).cursor()
        if len(rows) == 1:
            cursor.execute(form.text, form.bound(rows[0]))
        else:
            cursor.executemany(form.text, [form.bound(row) for row in rows])
        return cursor

    def form(self, dialect: Dialect) -> Form:
        """The statement as the driver takes it."""
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = self._compiled(dialect)
        return form

    def _compiled(self, dialect: Dialect) -> Form:
        compiled = self.statement.compile(dialect=dialect, column_keys=self._columns)
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params:
            raise ValueError(f"the text of {self.statement} depends on its values")
        names = compiled.positiontup if compiled.positiontup is not None else list(compiled.binds)
        columns = _columns_of(self.statement, compiled)
        row = namedtuple("row", [str(column.key) for column in columns], rename=True)  # type: ignore[misc]
        return Form(
            text=str(compiled),
            parameters=tuple(
                (
                    name,
                    compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
                    compiled.binds[name].effective_value,
                    compiled.binds[name].required,
                )
                for name in names
            ),
            positional=compiled.positiontup is not None,
            many=self._many(dialect),
            row=row._make,
            columns=tuple(column.type for column in columns),
        )

    @property
    def is_plain_insert(self) -> bool:
        """Whether it inserts the values it is given, and does nothing else."""
        return isinstance(self.statement, Insert) and self._columns is not None

    def _many(self, dialect: Dialect) -> str:
        """The text that inserts a row for each element of arrays, which are named as the columns are."""
        if dialect.name != "postgresql" or not isinstance(self.statement, Insert) or self._columns is None:
            return ""
        prepare, table = dialect.identifier_preparer, self.statement.table
        names = ", ".join(prepare.quote(name) for name in self._columns)
        arrays = ", ".join(f"%({name})s::{_array(table.c[name].type, dialect)}" for name in self._columns)
        return f"INSERT INTO {prepare.format_table(table)} ({names}) SELECT * FROM unnest({arrays})"


def run_text(connection: Connection, text: str) -> None:
    """Run a statement that neither takes nor gives values, and that both databases know."""
    driver_of(connection).execute(text)


def _columns_of(statement: Any, compiled: SQLCompiler) -> list[ColumnElement[Any]]:
    if isinstance(statement, Insert | Update):
        return list(compiled.effective_returning or ())
    return [] if isinstance(statement, UpdateBase) else list(statement.selected_columns)


def _array(kind: TypeEngine[Any], dialect: Dialect) -> str:
    implementation = kind.dialect_impl(dialect)
    # A cast to VARCHAR(n) would cut what is too long, where inserting it is refused.
    return "TEXT[]" if isinstance(implementation, String) else f"{implementation.compile(dialect)}[]"


def driver_of(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.dbapi_connection
