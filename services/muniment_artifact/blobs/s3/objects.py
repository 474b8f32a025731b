"""Small objects by name, beside the blobs: for what is not named by its digest."""

from __future__ import annotations

from io import BytesIO

import urllib3
from minio.error import MinioException

from muniment_artifact.blobs.s3.client import client, http_pool
from muniment_artifact.blobs.s3.errors import is_absent, s3_errors
from muniment_artifact.blobs.s3.patience import Patience
from muniment_artifact.blobs.s3.reading import closing
from muniment_artifact.blobs.s3.settings import S3Settings


class S3Objects:
    """The objects below one place of a bucket, which must exist. An object is there whole or not at all."""

    def __init__(self, settings: S3Settings, place: str) -> None:
        """Prepare the client; nothing is sent yet.

        Args:
            settings: where the bucket is.
            place: the keys begin with it and a slash; also how errors call it.
        """
        self._client = client(settings, http_pool(settings))
        self._bucket = settings.bucket
        self._place = place
        self._root = f"{settings.root}{place}/"
        self._patience = Patience(settings.deadline, settings.read_timeout)

    def names(self) -> list[str]:
        """Names of all.

        Raises:
            StorageFull, StorageUnavailable: here and below, if the store cannot be used.
        """
        with s3_errors(self._place):
            return self._patience.run(self._names)

    def get(self, name: str) -> bytes | None:
        """An object, or None when there is none."""
        with s3_errors(self._place):
            return self._patience.run(lambda: self._get(name))

    def put(self, name: str, content: bytes) -> None:
        """Keep an object, durably."""
        with s3_errors(self._place):
            self._patience.run(
                lambda: self._client.put_object(
                    self._bucket, self._root + name, BytesIO(content), len(content)
                )
            )

    def remove(self, name: str) -> None:
        """Remove an object; fine when there is none."""
        with s3_errors(self._place):
            self._patience.run(lambda: self._client.remove_object(self._bucket, self._root + name))

    def _names(self) -> list[str]:
        found = self._client.list_objects(self._bucket, prefix=self._root, recursive=True)
        return [str(each.object_name).removeprefix(self._root) for each in found]

    def _get(self, name: str) -> bytes | None:
        try:
            answer = self._client.get_object(self._bucket, self._root + name)
        except MinioException as error:
            if is_absent(error):
                return None
            raise
        with closing(answer):
            # The HTTP library takes headers that were cut off for whole ones.
            if "content-length" not in answer.headers:
                raise urllib3.exceptions.ProtocolError("the answer does not tell its length")
            return bytes(answer.read())
