"""Opens the store for bytes that the settings name."""

from __future__ import annotations

from muniment_artifact.blobs.disk import DiskBlobStore
from muniment_artifact.blobs.store import BlobStore

from muniment_server.settings import StorageSettings


def open_blob_store(settings: StorageSettings) -> BlobStore:
    """The store, after a look whether it answers.

    Raises:
        StorageFull: if it has no room.
        StorageUnavailable: if it does not answer.
    """
    store: BlobStore
    if settings.s3_bucket:
        # Importing minio takes half a second, which an embedded server need not spend.
        from muniment_artifact.blobs.s3 import S3BlobStore, S3Settings

        store = S3BlobStore(
            S3Settings(
                endpoint=settings.s3_endpoint,
                bucket=settings.s3_bucket,
                region=settings.s3_region,
                access_key=settings.s3_access_key,
                secret_key=settings.s3_secret_key,
                secure=not settings.s3_plain_http,
                spool_directory=settings.data / "spool",
            )
        )
    else:
        store = DiskBlobStore(settings.data)
    store.probe()
    return store
