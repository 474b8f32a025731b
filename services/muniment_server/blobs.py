"""Opens the stores for bytes that the settings name: for models, for the bodies of predictions, and the cold tier.

The others have a directory, prefix or bucket of their own, so that what looks after the bytes of models never sees
theirs.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from muniment.digests import Digest
from muniment_artifact.blobs.disk import DiskBlobStore
from muniment_artifact.blobs.late import LateStore
from muniment_artifact.blobs.store import BlobStore
from muniment_artifact.blobs.whole import get_blob, put_blob
from muniment_artifact.collection.sweep import Stores
from muniment_artifact.direct import Addresses
from muniment_core.domain.errors import StorageFull, StorageUnavailable
from muniment_core.domain.tiers import Shelf
from muniment_core.signing.shared_anchor import ANCHOR_STORE, Objects

from muniment_server.anchor_place import Bucket
from muniment_server.settings import StorageSettings

if TYPE_CHECKING:
    from muniment_artifact.blobs.s3 import S3Settings

PREDICTIONS = "predictions"
COLD = "cold"
ANCHOR_SECONDS = 10.0
"""What a request for the anchor may take with its repeats: the keeper tries again, and a stop waits for it."""

_log = logging.getLogger(__name__)


class PredictionBodies:
    """The bodies of batches of predictions, as blobs."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def put(self, data: bytes) -> str:
        """Make a body durable; its digest."""
        return put_blob(self._blobs, data).text

    def get(self, digest: str, size: int) -> bytes:
        """Read a body.

        Raises:
            BytesDamaged: if it is gone or changed.
        """
        return get_blob(self._blobs, Digest(digest), size)

    def drop(self, digest: str) -> None:
        """Remove a body; fine when it is gone."""
        self._blobs.delete(Digest(digest))


def open_prediction_bodies(settings: StorageSettings) -> PredictionBodies:
    """The store for the bodies of predictions, after a look whether it answers.

    Raises:
        As :func:`open_blob_store`.
    """
    return PredictionBodies(open_blob_store(settings, PREDICTIONS))


def open_stores(settings: StorageSettings) -> Stores:
    """Every store there is, after a look whether it answers.

    A cold tier that does not is only told of: what is at hand can be served without it.

    Raises:
        StorageFull: if one has no room.
        StorageUnavailable: if one does not answer, or cannot be made.
    """
    return {
        Shelf.HOT: open_blob_store(settings),
        Shelf.PREDICTIONS: open_blob_store(settings, PREDICTIONS),
        Shelf.COLD: open_cold_store(settings),
    }


def open_blob_store(settings: StorageSettings, name: str = "") -> BlobStore:
    """The store for models, or the named one beside it, after a look whether it answers.

    Raises:
        StorageFull: if it has no room.
        StorageUnavailable: if it does not answer.
    """
    store: BlobStore
    if settings.s3_bucket:
        store = _s3_store(settings, settings.s3_bucket, name)
    else:
        store = DiskBlobStore(settings.data / name)
    store.probe()
    return store


def open_cold_store(settings: StorageSettings) -> BlobStore:
    """The cold tier: the directory or bucket that was named, or else a place beside the models."""
    store = LateStore(partial(_cold_store, settings))
    try:
        store.probe()
    except (StorageFull, StorageUnavailable) as error:
        _log.warning("the cold tier can be neither written nor read right now: %s", error.message)
    return store


def _cold_store(settings: StorageSettings) -> BlobStore:
    bucket = settings.cold_s3_bucket or settings.s3_bucket
    if settings.cold_dir is not None:
        return DiskBlobStore(settings.cold_dir)
    # Always apart by its prefix: the bucket may be that of the models.
    return _s3_store(settings, bucket, COLD) if bucket else DiskBlobStore(settings.data / COLD)


def _s3_store(settings: StorageSettings, bucket: str, prefix: str) -> BlobStore:
    # Importing minio takes half a second, which an embedded server need not spend.
    from muniment_artifact.blobs.s3 import S3BlobStore

    return S3BlobStore(_s3_settings(settings, bucket, prefix, deadline=settings.s3_deadline))


def open_anchor_objects(settings: StorageSettings, place: Bucket) -> Objects:
    """The objects of an anchor in a bucket; nothing is sent yet."""
    from muniment_artifact.blobs.s3 import S3Objects

    deadline = min(settings.s3_deadline, ANCHOR_SECONDS)
    return S3Objects(_s3_settings(settings, place.name, place.prefix, deadline=deadline), ANCHOR_STORE)


def _s3_settings(settings: StorageSettings, bucket: str, prefix: str, *, deadline: float) -> S3Settings:
    from muniment_artifact.blobs.s3 import S3Settings

    return S3Settings(
        endpoint=settings.s3_endpoint,
        bucket=bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        secure=not settings.s3_plain_http,
        prefix=prefix,
        deadline=deadline,
        public_endpoint=settings.s3_public_endpoint.rpartition("//")[2],
        public_secure=not settings.s3_public_endpoint.startswith("http://"),
        spool_directory=settings.data / "spool",
    )


def addresses_of(settings: StorageSettings, store: BlobStore) -> Addresses | None:
    """What gives clients addresses of the store itself, if they are to have them and the endpoint honours them."""
    if not (settings.s3_bucket and settings.s3_direct):
        return None
    from muniment_artifact.blobs.s3 import S3BlobStore

    if isinstance(store, S3BlobStore) and store.try_out().presigned_get:
        return store
    _log.warning("clients get no addresses of the S3 service: it does not honour them")
    return None
