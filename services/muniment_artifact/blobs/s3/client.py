"""The connection to a bucket, through the minio SDK."""

from __future__ import annotations

import urllib3
from minio import Minio
from minio.helpers import check_bucket_name

from muniment_artifact.blobs.s3.settings import S3Settings
from muniment_artifact.blobs.store import UnusableStore

CONNECTIONS = 32


def http_pool(settings: S3Settings) -> urllib3.PoolManager:
    """Connections that wait as long as the settings say, and repeat nothing."""
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout),
        maxsize=CONNECTIONS,
        # Ours repeat with a deadline, and after answers that this library takes for final.
        retries=False,
    )


def client(settings: S3Settings, http: urllib3.PoolManager) -> Minio:
    """A client of the endpoint; nothing is sent yet.

    Raises:
        UnusableStore: if endpoint, bucket or region cannot be right.
    """
    try:
        check_bucket_name(settings.bucket)
        return Minio(
            settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            region=settings.region,
            secure=settings.secure,
            http_client=http,
        )
    except ValueError as error:
        raise UnusableStore(
            f"the S3 service cannot be used: {error}; the endpoint is HOST or HOST:PORT, without a scheme"
        ) from error
