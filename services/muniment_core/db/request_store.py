"""Answers given before, so that a repeated request gets the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from muniment_core.db.tables import requests
from muniment_core.domain.errors import RequestIdReused


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
        row = self._connection.execute(
            select(requests.c.fingerprint, requests.c.response).where(
                requests.c.principal == key.principal, requests.c.request_id == key.request_id
            )
        ).one_or_none()
        if row is None:
            return None
        if row.fingerprint != key.fingerprint:
            raise RequestIdReused(key.request_id)
        return bytes(row.response)

    def remember(self, key: RequestKey, response: bytes, *, revision: int, time: datetime) -> None:
        """Keep an answer."""
        self._connection.execute(
            insert(requests).values(
                principal=key.principal,
                request_id=key.request_id,
                fingerprint=key.fingerprint,
                response=response,
                revision=revision,
                time=time,
            )
        )
