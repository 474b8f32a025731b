"""Stores of blobs by sha256: memory, disk and S3 behind one protocol."""

from muniment_artifact.blobs.store import BlobStat, BlobStore, BlobWriter

__all__ = ["BlobStat", "BlobStore", "BlobWriter"]
