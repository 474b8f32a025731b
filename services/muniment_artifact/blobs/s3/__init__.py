"""Blobs as objects of an S3-compatible store, through the minio SDK.

::

    <bucket>/
    └── <prefix>/
        ├── cas/
        │   └── sha256/
        │       └── ab/
        │           └── ab34…  <64 hex>   a blob
        ├── anchor/                       small objects by name, see `objects`
        └── probe/<32 random hex>         written, read and removed by ``probe``

Nothing depends on conditional requests or on ETags, which mean different things to different servers: a blob
is judged by its own sha256 before it is sent, and an object appears whole or not at all. Bytes on their way
wait in an unnamed temporary file, so that a broken stream has nothing to clean up and a request can be
repeated.
"""

from muniment_artifact.blobs.s3.objects import S3Objects
from muniment_artifact.blobs.s3.probing import Honoured
from muniment_artifact.blobs.s3.settings import S3Settings
from muniment_artifact.blobs.s3.store import S3BlobStore

__all__ = ["Honoured", "S3BlobStore", "S3Objects", "S3Settings"]
