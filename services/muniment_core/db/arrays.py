"""Arrays as PostgreSQL reads them.

The driver asks of every element what it is and how it is written, which takes longer than the database takes to
insert the rows. What stands in a column is known to be text, numbers or bytes.

The format: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg


def array_text(values: Iterable[Any]) -> str:
    """The text of an array, to be cast to the type of its elements.

    Raises:
        TypeError: if a value is of a type that no column has.
    """
    return f"{{{','.join([_element(value) for value in values])}}}"


def _element(value: Any) -> str:
    kind = type(value)
    if kind is int or kind is float:
        return repr(value)
    if value is None:
        return "NULL"
    if isinstance(value, str):
        # Within quotes everything is what it is, but for these two.
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    if kind is psycopg.Binary:
        return f'"\\\\x{bytes(value.obj).hex()}"'
    if kind is bool:
        return "t" if value else "f"
    raise TypeError(f"no column holds a {kind.__name__}")
