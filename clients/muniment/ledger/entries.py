"""The body of a ledger entry: canonical JSON with members of fixed types.

``v`` is the format, 1. ``revision``, ``type``, ``time`` and ``actor`` are always there; of ``project``, ``model``,
``stage``, ``number``, ``previous_number``, ``digest``, ``reason``, ``request`` and ``data`` those with a value.
Types this program does not know are entries all the same, and so are further members.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeAlias

from muniment.ledger.canonical import NotCanonical, read

FORMAT = 1

Body: TypeAlias = dict[str, Any]
"""The members of a body, checked by :func:`read_body`."""

_TYPES = {
    "v": int,
    "revision": int,
    "type": str,
    "time": str,
    "actor": str,
    "project": str,
    "model": str,
    "stage": str,
    "number": int,
    "previous_number": int,
    "digest": str,
    "reason": str,
    "request": str,
    "data": dict,
}
_REQUIRED = frozenset({"v", "revision", "type", "time", "actor"})


class MalformedEntry(ValueError):
    """Bytes are no ledger entry this program can read."""


def read_body(body: bytes) -> Body:
    """The members of a body.

    Raises:
        MalformedEntry: if it is not canonical JSON, of another format, or a member is of the wrong type.
    """
    try:
        members = read(body)
    except NotCanonical as error:
        raise MalformedEntry(f"its body is {error}") from None
    if type(members) is not dict:
        raise MalformedEntry("its body is no JSON object")
    if members.get("v") != FORMAT:
        raise MalformedEntry(
            f"its body has format {members.get('v', 'none')!r:.40}, while this program reads format {FORMAT}"
        )
    for name, value in members.items():
        # type() and not isinstance: JSON's true is no number.
        if type(value) is not _TYPES.get(name, type(value)):
            raise MalformedEntry(f"member {name!r} of its body is {value!r:.60}")
    if not members.keys() >= _REQUIRED:
        missing = ", ".join(sorted(_REQUIRED - members.keys()))
        raise MalformedEntry(f"its body lacks {missing}")
    return members


def request_digest(request_id: str, fingerprint: bytes, response: bytes) -> str:
    """What an entry holds of the request that made it and of the answer it was given, 64 hexadecimal digits.

    sha256 over the id's length in 4 bytes (big-endian), the id, the sha256 of the request (32 bytes) and the
    sha256 of the answer (32 bytes).
    """
    encoded = request_id.encode()
    hasher = hashlib.sha256(len(encoded).to_bytes(4, "big") + encoded + fingerprint)
    hasher.update(hashlib.sha256(response).digest())
    return hasher.hexdigest()
