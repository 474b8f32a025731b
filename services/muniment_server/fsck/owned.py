"""Rows that belong to others, read alongside their owners so that none is ever looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment_server.fsck.difference import Difference, shown


class OwnedRows:
    """Rows in order of their owner's key, handed out owner by owner, in the same order."""

    def __init__(self, table: str, rows: Iterator[Any], *, owner: str) -> None:
        """
        Args:
            table: what the rows are of.
            rows: in order of the column ``owner``.
            owner: the column that holds the owner's key.
        """
        self._table = table
        self._rows = rows
        self._owner = owner
        self._following = next(rows, None)
        self._strays: list[Difference] = []

    def of(self, owner: int) -> list[Any]:
        """The rows of the next owner."""
        found: list[Any] = []
        while (row := self._following) is not None and self._owner_of(row) <= owner:
            self._following = next(self._rows, None)
            if self._owner_of(row) == owner:
                found.append(row)
            else:
                self._strays.append(self._stray(row))
        return found

    def strays(self) -> Iterator[Difference]:
        """Rows whose owner there is not; ask when all owners have been asked for theirs."""
        yield from self._strays
        while (row := self._following) is not None:
            yield self._stray(row)
            self._following = next(self._rows, None)

    def _owner_of(self, row: Any) -> float:
        owner = row._mapping[self._owner]
        # Where a number is needed SQLite may hold anything, and puts that behind all numbers.
        return owner if isinstance(owner, int) else float("inf")

    def _stray(self, row: Any) -> Difference:
        return Difference(
            self._table,
            f"{shown(row[0])}/{shown(row[1])}",
            self._owner,
            f"is {shown(row._mapping[self._owner])}",
            "there is no such row",
        )
