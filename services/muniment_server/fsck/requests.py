"""The remembered requests against the entries that answer them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment.ledger.entries import Body, request_digest
from muniment_core.db.audit.ledger import LedgerRows

from muniment_server.fsck.difference import Difference, compare, microseconds, missing, shown

REQUESTS = "requests"


class RequestsCheck:
    """The remembered requests, read alongside the entries that answer them."""

    def __init__(self, rows: LedgerRows) -> None:
        self._rows = rows.requests()
        self._following = next(self._rows, None)

    def close(self) -> None:
        """Read no further."""
        self._rows.close()

    def check(self, revision: int, members: Body) -> list[Difference]:
        """The requests of one entry: one if it tells of one."""
        bound = members.get("request")
        found: list[Difference] = []
        while (row := self._following) is not None and not _after(row.revision, revision):
            self._following = next(self._rows, None)
            if row.revision != revision:
                found.append(_unknown(row))
                continue
            if row.principal != members["actor"] or row.time != microseconds(members["time"]):
                expected = {"principal": members["actor"], "time": microseconds(members["time"])}
                found += compare(REQUESTS, _key(row), row._mapping, expected, by=f"entry {revision}")
            # Entries of old do not tell of their requests.
            if bound is not None and (hashed := _digest(row)) != bound:
                columns, says = "request_id, fingerprint, response", f"entry {revision} says {bound}"
                found.append(Difference(REQUESTS, _key(row), columns, f"hash to {hashed}", says))
            bound = None
        if bound is not None:
            says = f"entry {revision} says {bound}"
            found.append(missing(REQUESTS, f"of revision {revision}", says))
        return found

    def rest(self) -> Iterator[Difference]:
        """Requests that are remembered for entries there are not."""
        while (row := self._following) is not None:
            yield _unknown(row)
            self._following = next(self._rows, None)


def _after(revision: object, reached: int) -> bool:
    return type(revision) is not int or revision > reached


def _digest(row: Any) -> str:
    if not (type(row.fingerprint) is type(row.response) is bytes and isinstance(row.request_id, str)):
        return "nothing"
    # What is no text was no request's id, whatever stands for it here.
    request_id = row.request_id.encode(errors="replace").decode()
    return request_digest(request_id, row.fingerprint, row.response)


def _unknown(row: Any) -> Difference:
    return Difference(REQUESTS, _key(row), "revision", f"is {shown(row.revision)}", "there is no such entry")


def _key(row: Any) -> str:
    return f"{row.principal}/{row.request_id}"
