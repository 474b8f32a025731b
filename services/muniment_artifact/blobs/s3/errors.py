"""What an answer of an S3 server means: absent, full, to be repeated, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

import urllib3
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from muniment_core.domain.errors import StorageFull, StorageUnavailable

from muniment_artifact.blobs.store import STORE_NAME

FAILURES = (MinioException, urllib3.exceptions.HTTPError, OSError, ParseError)
"""All that the SDK raises when a request fails. An answer that was cut off may be XML that cannot be read."""

_NO_ROOM = {"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "InsufficientCapacity"}
_ABSENT = {"NoSuchKey", "NoSuchObject", "NotFound"}
_BUSY = {
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "SlowDownRead",
    "SlowDownWrite",
    "Throttling",
    "TooManyRequests",
}
_BUSY_STATUSES = {408, 429, 500, 502, 503, 504}
_CODE = re.compile("<Code>([A-Za-z]+)</Code>")
_STATUS = re.compile(r"Response code: (\d{3})")


def is_absent(error: Exception) -> bool:
    """Whether the server says that there is no such object."""
    return _code(error) in _ABSENT


def is_past_the_end(error: Exception) -> bool:
    """Whether the server says that a range begins where the object has ended."""
    return _code(error) == "InvalidRange"


def is_transient(error: Exception) -> bool:
    """Whether repeating the request may help: the server is busy, or the connection broke."""
    if isinstance(error, MinioException):
        return _code(error) in _BUSY or _status(error) in _BUSY_STATUSES
    # A certificate that is not believed will not be believed the next time; a disk here is no network.
    return isinstance(error, ParseError) or (
        isinstance(error, urllib3.exceptions.HTTPError) and not isinstance(error, urllib3.exceptions.SSLError)
    )


@contextmanager
def s3_errors(store: str = STORE_NAME) -> Iterator[None]:
    """Translate what the SDK raises in the block, keeping it as the cause; errors call the store so."""
    try:
        yield
    except FAILURES as error:
        if _code(error) in _NO_ROOM:
            raise StorageFull(store) from error
        raise StorageUnavailable(store) from error


def _code(error: Exception) -> str:
    """The error code of S3, also from endpoints that send it with a content type the SDK does not read."""
    if isinstance(error, S3Error):
        return error.code or ""
    found = _CODE.search(str(error)) if isinstance(error, InvalidResponseError) else None
    return found[1] if found else ""


def _status(error: MinioException) -> int:
    if isinstance(error, S3Error):
        return int(error.response.status)
    if isinstance(error, ServerError):
        return error.status_code
    found = _STATUS.search(str(error))
    return int(found[1]) if found else 0
