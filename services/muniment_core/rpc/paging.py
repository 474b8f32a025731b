"""Page tokens: opaque, signed, and bound to the query they continue."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message
from itsdangerous import BadData, URLSafeSerializer

from muniment_core.domain.errors import InvalidField, InvalidPageToken
from muniment_core.domain.limits import MAX_PAGE_BYTES

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

T = TypeVar("T")
M = TypeVar("M", bound=Message)


def page_size(request: Any) -> int:
    """The number of results asked for.

    Raises:
        InvalidField: if it is not 0 to 1,000.
    """
    if not 0 <= request.page_size <= MAX_PAGE_SIZE:
        raise InvalidField("page_size", f"is {request.page_size}, while 0 to {MAX_PAGE_SIZE} are allowed")
    return request.page_size or DEFAULT_PAGE_SIZE


def page_of(
    found: Sequence[T],
    limit: int,
    message: Callable[[T], M],
    position: Callable[[T], Any],
    *,
    more: bool = False,
) -> tuple[list[M], Any]:
    """The messages of one page.

    Args:
        found: up to ``limit + 1`` results; the one too many tells that there is more.
        limit: how many the caller takes.
        message: makes the message of a result.
        position: tells where a result stands in the order, as a JSON value.
        more: whether there is more than what was found.

    Returns:
        The messages, fewer when they grow too large, and the position of the last one if more follow, else None.
    """
    messages: list[M] = []
    size = 0
    for result in found[:limit]:
        made = message(result)
        size += made.ByteSize()
        if messages and size > MAX_PAGE_BYTES:
            break
        messages.append(made)
    goes_on = more or len(messages) < len(found)
    return messages, position(found[len(messages) - 1]) if goes_on and messages else None


class PageTokens:
    """Makes and reads page tokens; all replicas share the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def next(self, request: Message, position: Any) -> str:
        """The token of the page after a position, which is any JSON value; empty for None, the end."""
        if position is None:
            return ""
        return str(self._serializer(request).dumps(position))

    def position(self, request: Any) -> Any:
        """The position a request continues after, or None for the first page.

        Raises:
            InvalidPageToken: if the token was changed or belongs to another query.
        """
        if not request.page_token:
            return None
        try:
            return self._serializer(request).loads(request.page_token)
        except BadData:
            raise InvalidPageToken("was made for another query, or was changed") from None

    def _serializer(self, request: Message) -> URLSafeSerializer:
        query = type(request)()
        query.CopyFrom(request)
        query.ClearField("page_token")
        query.ClearField("page_size")
        salt = request.DESCRIPTOR.full_name.encode() + b"\0" + query.SerializeToString(deterministic=True)
        return URLSafeSerializer(self._key, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})
