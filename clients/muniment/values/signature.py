"""Signatures of versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment.v1 import metadata_service_pb2


@dataclass(frozen=True, slots=True)
class VersionSignature:
    """A signature of the files of a version.

    Attributes:
        name: of the version.
        bundle: as ``model_signing`` writes it.
        public_key: PEM of the key that made it.
        key_digest: ``sha256:<hex>`` of that key, by which bundles name keys.
        root_digest: ``sha256:<hex>``, what is signed.
        unsigned_paths: files of the version that the signer left out by name.
    """

    name: str
    bundle: bytes = field(repr=False)
    public_key: str
    key_digest: str
    root_digest: str
    unsigned_paths: tuple[str, ...]
    message: metadata_service_pb2.VersionSignature = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: metadata_service_pb2.VersionSignature) -> VersionSignature:
        return cls(
            name=message.name,
            bundle=message.bundle,
            public_key=message.public_key,
            key_digest=message.key_digest,
            root_digest=message.root_digest,
            unsigned_paths=tuple(message.unsigned_paths),
            message=message,
        )
