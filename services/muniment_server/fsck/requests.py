"""The remembered requests against the entries that answer them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from muniment.ledger.entries import Body, request_digest
from muniment_core.db.audit.ledger import REQUEST_COLUMNS, LedgerRows
from muniment_core.domain.ledger import format_time

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown

REQUESTS = "requests"


class RequestsCheck:
    """The remembered requests, read alongside the entries that answer them."""

    def __init__(self, rows: LedgerRows, *, remembered_since: datetime | None = None) -> None:
        """
        Args:
            rows: the tables.
            remembered_since: requests from before then may have been forgotten for their age; None: none may.
        """
        self._since = None if remembered_since is None else microseconds(format_time(remembered_since))
        self._rows = rows.requests()
        self._following: Any = next(self._rows, None)
        self._said = ""
        self._time: int | None = None

    def close(self) -> None:
        """Read no further."""
        self._rows.close()

    def check(self, revision: int, members: Body) -> list[Difference]:
        """The requests of one entry: one if it tells of one."""
        row, bound = self._following, members.get("request")
        if row is None and bound is None:
            return []
        if row is not None:
            # Nearly every entry has one request, and it is the next one: told by place, for that is quickest.
            principal, request_id, fingerprint, response, of, time = row
            if of == revision and principal == members["actor"]:
                said = members["time"]
                if said != self._said:
                    self._said, self._time = said, microseconds(said)
                if time == self._time and _digest(request_id, fingerprint, response) == bound:
                    self._following = next(self._rows, None)
                    row, bound = self._following, None
            if bound is None and (row is None or _after(row[4], revision)):
                return []
        return self._slowly(revision, members, bound)

    def _slowly(self, revision: int, members: Body, bound: str | None) -> list[Difference]:
        found: list[Difference] = []
        while (row := self._following) is not None and not _after(row[4], revision):
            self._following = next(self._rows, None)
            if row[4] != revision:
                found.append(_unknown(row))
                continue
            columns = dict(zip(REQUEST_COLUMNS, row, strict=True))
            expected = {"principal": members["actor"], "time": microseconds(members["time"])}
            found += compare(REQUESTS, _key(row), columns, expected, by=f"entry {revision}")
            # Entries of old do not tell of their requests.
            hashed = _digest(*row[1:4])
            if bound is not None and hashed != bound:
                where, says = "request_id, fingerprint, response", f"entry {revision} says {bound}"
                found.append(Difference(REQUESTS, _key(row), where, f"hash to {hashed}", says))
            bound = None
        if bound is not None and not self._is_forgotten(members["time"]):
            says = f"entry {revision} says {bound}"
            found.append(missing(REQUESTS, f"of revision {revision}", says))
        return found

    def _is_forgotten(self, time: str) -> bool:
        return self._since is not None and (microseconds(time) or 0) < self._since

    def rest(self) -> Iterator[Difference]:
        """Requests that are remembered for entries there are not."""
        while (row := self._following) is not None:
            yield _unknown(row)
            self._following = next(self._rows, None)


def _after(revision: object, reached: int) -> bool:
    return type(revision) is not int or revision > reached


def _digest(request_id: Any, fingerprint: Any, response: Any) -> str:
    try:
        return request_digest(request_id, fingerprint, response)
    except UnicodeEncodeError:
        return "nothing, for its id is no text"
    except (TypeError, AttributeError):
        return "nothing, for it is of other types"


def _unknown(row: Any) -> Difference:
    return Difference(REQUESTS, _key(row), "revision", f"is {shown(row[4])}", "there is no such entry")


def _key(row: Any) -> str:
    principal, request_id, *_ = row
    return f"{principal}/{request_id}"
