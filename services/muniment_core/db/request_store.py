"""Answers given before, so that a repeated request gets the same one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from muniment_core.db.id_list import among
from muniment_core.db.prepared import Prepared, Question, Rows
from muniment_core.db.tables import requests
from muniment_core.db.trips import run_in_one_trip
from muniment_core.domain.errors import RequestIdReused

_ANSWER = Prepared(
    select(requests.c.fingerprint, requests.c.response).where(
        requests.c.principal == bindparam("principal"), requests.c.request_id == bindparam("request_id")
    )
)
_ANSWERS = Prepared(
    select(requests.c.principal, requests.c.request_id, requests.c.fingerprint, requests.c.response).where(
        requests.c.principal == bindparam("principal"), among(requests.c.request_id, "request_ids")
    )
)
_KEY = (requests.c.principal, requests.c.request_id)
_FORGET = delete(requests).where(
    tuple_(*_KEY).in_(
        select(*_KEY)
        .where(requests.c.time < bindparam("before"))
        .order_by(requests.c.time)
        .limit(bindparam("most"))
    )
)
_REMEMBER = Prepared(insert(requests), columns=[column.key for column in requests.c])


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Identifies a repeatable request.

    Attributes:
        principal: who sent it.
        request_id: the id the caller chose.
        fingerprint: sha256 over method and request bytes.
    """

    principal: str
    request_id: str
    fingerprint: bytes


class RequestStore:
    """Remembers answers on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def answer(self, key: RequestKey) -> bytes | None:
        """The answer given before, or None.

        Raises:
            RequestIdReused: if the id was used for another request.
        """
        row = _ANSWER.first(self._connection, principal=key.principal, request_id=key.request_id)
        if row is None:
            return None
        if row.fingerprint != key.fingerprint:
            raise RequestIdReused(key.request_id)
        return bytes(row.response)

    def remember(self, key: RequestKey, response: bytes, *, revision: int, time: datetime) -> None:
        """Keep an answer."""
        run_in_one_trip(self._connection, [remembering(key, response, revision=revision, time=time)])

    def forget(self, *, before: datetime, limit: int) -> int:
        """Forget answers that were given earlier, the oldest first; how many."""
        return self._connection.execute(_FORGET, {"before": before, "most": limit}).rowcount


def answers_to(keys: Iterable[RequestKey]) -> list[Question]:
    """What asks for the answers given before, one statement for each caller; the rows name the request."""
    by_principal: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_principal[key.principal].append(key.request_id)
    return [(_ANSWERS, {"principal": who, "request_ids": ids}) for who, ids in by_principal.items()]


def remembering(key: RequestKey, response: bytes, *, revision: int, time: datetime) -> Rows:
    """The statement that keeps an answer."""
    row = {
        "principal": key.principal,
        "request_id": key.request_id,
        "fingerprint": key.fingerprint,
        "response": response,
        "revision": revision,
        "time": time,
    }
    return _REMEMBER, [row]
