"""The connection to a bucket, through the minio SDK."""

from __future__ import annotations

import urllib3
from minio import Minio

from muniment_artifact.blobs.s3.settings import S3Settings

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
    """A client of the endpoint; nothing is sent yet."""
    return Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        region=settings.region,
        secure=settings.secure,
        http_client=http,
    )
