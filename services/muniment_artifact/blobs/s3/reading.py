"""Reading a range of an object, taken up again where a connection breaks."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from minio import Minio
from minio.error import MinioException
from muniment.digests import Digest
from muniment_core.domain.errors import BytesDamaged, StorageUnavailable

from muniment_artifact.blobs.s3.errors import FAILURES, is_absent, is_past_the_end, s3_errors
from muniment_artifact.blobs.s3.patience import Attempts, Patience
from muniment_artifact.blobs.store import STORE_NAME


class ObjectReader:
    """Reads blobs that are objects of a bucket."""

    def __init__(self, client: Minio, bucket: str, patience: Patience) -> None:
        self._client = client
        self._bucket = bucket
        self._patience = patience

    def read(
        self, digest: Digest, key: str, *, offset: int, length: int | None, frame_bytes: int
    ) -> Generator[bytes, None, None]:
        """Yield a range in pieces of ``frame_bytes``, the last one perhaps shorter.

        Raises:
            BytesDamaged: if the blob is gone or ends before the range does.
            StorageUnavailable: if no frame comes whole within the deadline, however often it is asked for.
        """
        end = None if length is None else offset + length
        begun = b""
        attempts = Attempts(self._patience)
        while end is None or offset < end:
            try:
                for piece in self._fetch(digest, key, offset, end, len(begun), frame_bytes):
                    offset += len(piece)
                    # Nearly always a whole frame, which is passed on as it was received.
                    begun = begun + piece if begun else piece
                    if len(begun) == frame_bytes:
                        yield begun
                        begun = b""
                        # Whoever reads may have taken its time; only then is the next frame waited for.
                        attempts.progressed()
                    if attempts.out_of_time:
                        raise StorageUnavailable(STORE_NAME)
                break
            except FAILURES as error:
                with s3_errors():
                    attempts.spend(error)
        if begun:
            yield begun
        if end is not None and offset < end:
            raise BytesDamaged(digest.text, f"they end at byte {offset}, before byte {end}")

    def _fetch(
        self, digest: Digest, key: str, offset: int, end: int | None, begun: int, frame_bytes: int
    ) -> Iterator[bytes]:
        """Ask once for a range; ends at the end of the range or of the blob.

        Pieces are as large as frames, the first one as what is still to come of a frame that was begun.

        Raises:
            minio.error.MinioException, urllib3.exceptions.HTTPError, OSError, ParseError: if the request fails or
                its connection breaks.
        """
        try:
            answer = self._client.get_object(
                self._bucket, key, offset=offset, length=end - offset if end else 0
            )
        except MinioException as error:
            if is_absent(error):
                raise BytesDamaged(digest.text, "the store does not have them") from error
            if is_past_the_end(error):
                return
            raise
        with closing(answer):
            # The HTTP library takes headers that were cut off for whole ones.
            if "content-length" not in answer.headers:
                raise urllib3.exceptions.ProtocolError("the answer does not tell its length")
            # Some endpoints answer a range with 200 and some ignore it: this header tells which bytes.
            if offset and not answer.headers.get("content-range", "").startswith(f"bytes {offset}-"):
                raise StorageUnavailable(STORE_NAME)
            while end is None or offset < end:
                wanted = frame_bytes - begun
                piece = answer.read(wanted if end is None else min(wanted, end - offset))
                if not piece:
                    return
                offset += len(piece)
                begun = (begun + len(piece)) % frame_bytes
                yield piece


@contextmanager
def closing(answer: Any) -> Iterator[None]:
    """Let go of an answer, read or not; one that was not read to its end takes its connection with it."""
    try:
        yield
    finally:
        answer.close()
        answer.release_conn()
