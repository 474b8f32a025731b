"""What an S3 endpoint honours, tried out rather than believed: vendors differ, and say little about it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from io import BytesIO

import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.error import ServerError
from muniment_core.domain.errors import StorageUnavailable

from muniment_artifact.blobs.s3.errors import FAILURES, s3_errors
from muniment_artifact.blobs.s3.patience import Patience
from muniment_artifact.blobs.s3.reading import closing
from muniment_artifact.blobs.store import STORE_NAME

_BYTES = b"muniment probe"
_LIFETIME = timedelta(minutes=5)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Honoured:
    """What an endpoint does beyond what every store needs, which is put, ranged get, list and delete.

    Attributes:
        copy: copies an object by itself.
        presigned_get: gives an object to whoever shows a signed address.
        presigned_put: takes one so.
        conditional_put: refuses to replace an object when told so. Nothing here depends on it.
    """

    copy: bool
    presigned_get: bool
    presigned_put: bool
    conditional_put: bool

    @property
    def text(self) -> str:
        """For the log: each with yes or no."""
        return ", ".join(
            f"{field.name.replace('_', ' ')}: {'yes' if getattr(self, field.name) else 'no'}"
            for field in fields(self)
        )


class Prober:
    """Tries an endpoint out on an object of its own."""

    def __init__(
        self, client: Minio, http: urllib3.PoolManager, bucket: str, root: str, patience: Patience
    ) -> None:
        self._client = client
        self._http = http
        self._bucket = bucket
        self._root = root
        self._patience = patience

    def run(self) -> Honoured:
        """Try everything out; what was written is removed again.

        Raises:
            StorageFull, StorageUnavailable: if what every store needs does not work.
        """
        key = f"{self._root}probe/{secrets.token_hex(16)}"
        with s3_errors(), self._removed(key, key + "-copy"):
            self._patience.run(
                lambda: self._client.put_object(self._bucket, key, BytesIO(_BYTES), len(_BYTES))
            )
            if self._patience.run(lambda: self._range_of(key)) != _BYTES[9:14]:
                raise StorageUnavailable(STORE_NAME)
            if self._patience.run(lambda: self._listed(key)) != [key]:
                raise StorageUnavailable(STORE_NAME)
            return Honoured(
                copy=self._does(lambda: self._copied(key, key + "-copy")),
                presigned_get=self._does(lambda: self._given(key)),
                presigned_put=self._does(lambda: self._taken(key)),
                conditional_put=self._does(lambda: self._refused_to_replace(key)),
            )

    def _does(self, attempt: Callable[[], bool]) -> bool:
        """Whether something can be had that can be done without: then a failure is an answer too."""
        try:
            return self._patience.run(attempt)
        except FAILURES as error:
            _log.info("trying the bucket out: %s", error)
            return False

    @contextmanager
    def _removed(self, *keys: str) -> Iterator[None]:
        try:
            yield
        finally:
            for key in keys:
                self._patience.run(lambda key=key: self._client.remove_object(self._bucket, key))  # type: ignore[misc]

    def _range_of(self, key: str) -> bytes:
        answer = self._client.get_object(self._bucket, key, offset=9, length=5)
        with closing(answer):
            return bytes(answer.read())

    def _listed(self, key: str) -> list[str]:
        return [
            str(found.object_name)
            for found in self._client.list_objects(self._bucket, prefix=key, recursive=True)
        ]

    def _copied(self, key: str, target: str) -> bool:
        self._client.copy_object(self._bucket, target, CopySource(self._bucket, key))
        answer = self._client.get_object(self._bucket, target)
        with closing(answer):
            return bytes(answer.read()) == _BYTES

    def _given(self, key: str) -> bool:
        address = self._client.presigned_get_object(self._bucket, key, _LIFETIME)
        answer = self._http.request("GET", address)
        return answer.status == 200 and answer.data == _BYTES

    def _refused_to_replace(self, key: str) -> bool:
        return self._put(key, {"If-None-Match": "*"}) == 412

    def _taken(self, key: str) -> bool:
        return self._put(key, {}) == 200

    def _put(self, key: str, headers: dict[str, str]) -> int:
        address = self._client.presigned_put_object(self._bucket, key, _LIFETIME)
        answer = self._http.request("PUT", address, body=_BYTES, headers=headers)
        if answer.status >= 500:
            raise ServerError(f"the endpoint answers {answer.status}", answer.status)
        return answer.status
