"""The transaction of the writer: changes one after the other, and the rows that can wait for the end.

A statement costs a trip to the database, and PostgreSQL takes longer over the trip than over the work. Rows that
nobody reads before the end of the transaction are therefore kept and sent together, and a change that sent nothing
needs no savepoint. Whoever asks for the connection can read and write anything, so by then all that waited has
been sent and the savepoint stands: use cases need not know of any of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from muniment_core.db.prepared import Prepared, Question, Rows, run_text
from muniment_core.db.trips import read_in_one_trip, run_in_one_trip

_SAVEPOINT = "SAVEPOINT change"
_RELEASE = "RELEASE SAVEPOINT change"
_ROLL_BACK = "ROLLBACK TO SAVEPOINT change"


class Batch:
    """One transaction of the writer.

    Attributes:
        raw: the connection, for those who read only what is never kept waiting.
        facts: what changes of this transaction told later ones about rows that wait, and what the database said
            before; emptied with the rows.
    """

    def __init__(self, connection: Connection, *, single: bool) -> None:
        """
        Args:
            single: whether there is one change only, which needs no savepoint: when it fails, all fails.
        """
        self.raw = connection
        self.facts: dict[object, Any] = {}
        self._single = single
        self._waiting: list[tuple[Prepared, object, Mapping[str, Any]]] = []
        self._settled = False
        self._kept_before = 0
        self._facts_before: dict[object, Any] = {}

    def foresee(self, questions: Sequence[Question]) -> list[list[Any]]:
        """Ask in one trip what changes are going to ask, each question once; returns the rows of each."""
        words = [_word(question) for question in questions]
        once = dict(zip(words, questions, strict=True))
        found = dict(zip(once, read_in_one_trip(self.raw, list(once.values())), strict=True))
        self.facts.update(found)
        return [found[word] for word in words]

    def first(self, question: Question) -> Any | None:
        """The first row, or None, of what is never kept waiting: from the database, or as it said before."""
        word = _word(question)
        rows = self.facts.get(word)
        if rows is None:
            statement, values = question
            rows = self.facts[word] = statement.all(self.raw, **values)
        return rows[0] if rows else None

    def begin_change(self) -> None:
        """Begin a change; one that fails from here on is dropped alone."""
        self._settled = False
        self._kept_before = len(self._waiting)
        self._facts_before = dict(self.facts)

    def settle(self) -> Connection:
        """The connection, on which the current change sees all that was done before."""
        if not self._settled:
            mine = self._waiting[self._kept_before :]
            del self._waiting[self._kept_before :]
            self.send()
            if not self._single:
                run_text(self.raw, _SAVEPOINT)
            self._settled = True
            self._waiting = mine
            self.send()
            self.facts.clear()
        return self.raw

    def later(
        self, statement: Prepared, rows: Iterable[Mapping[str, Any]], *, instead_of: object = None
    ) -> None:
        """Run a statement for rows before the transaction ends, and before anybody could miss them.

        Args:
            instead_of: rows that wait under the same word need not be sent any more.
        """
        for row in rows:
            self._waiting.append((statement, object() if instead_of is None else instead_of, row))
        if self._settled:
            self.send()

    def keep_change(self) -> None:
        """The current change is done."""
        if self._settled and not self._single:
            run_text(self.raw, _RELEASE)
        self._settled = False

    def drop_change(self) -> None:
        """The current change failed: nothing of it stays."""
        if self._settled:
            run_text(self.raw, _ROLL_BACK)
            run_text(self.raw, _RELEASE)
            self.facts.clear()
            self._waiting.clear()
        else:
            del self._waiting[self._kept_before :]
            self.facts = self._facts_before
        self._settled = False

    def send(self, last: Iterable[Rows] = ()) -> int:
        """Send what waits, and then ``last``, in one trip; returns how many rows its last statement touched."""
        by_statement: dict[Prepared, dict[object, Mapping[str, Any]]] = {}
        for statement, word, row in self._waiting:
            by_statement.setdefault(statement, {})[word] = row
        self._waiting = []
        waited = [(statement, list(rows.values())) for statement, rows in by_statement.items()]
        return run_in_one_trip(self.raw, [*waited, *last])


def _word(question: Question) -> object:
    statement, values = question
    return statement, *(tuple(value) if isinstance(value, list) else value for value in values.values())
