"""The files of a version as canonical JSON: what they are, and apart from it of which chunks they are made.

The manifest is an OCI image manifest (https://github.com/opencontainers/image-spec, manifest.md) with the
media types of the CNCF model format (https://github.com/modelpack/model-spec, docs/spec.md and
docs/config.md): one raw layer per file, ordered by path. It tells nothing about time, people or chunking, so
equal files have equal digests whoever pushes them, whenever, and however they cut them. Everything is RFC
8785 canonical JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import rfc8785
from muniment import signature
from muniment.digests import Digest
from muniment.file_paths import FILE_PATH
from muniment_core.db.artifact_store import Chunk, FileProof, ManifestRecord

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
MODEL_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
LAYER_TYPE = "application/vnd.cncf.model.weight.v1.raw"
CHUNK_MAP_TYPE = "application/vnd.muniment.chunk-map.v1+json"

EMPTY_DIGEST = Digest.of(b"")


@dataclass(frozen=True)
class FileEntry:
    """A file and the chunks that tile it.

    Attributes:
        path: relative, with ``/``.
        digest: of the whole file.
        size: in bytes.
        chunks: in order; empty for an empty file.
        chunking: how its writer calls the way it was cut, or empty.
    """

    path: str
    digest: Digest
    size: int
    chunks: tuple[Chunk, ...]
    chunking: str = ""

    @property
    def proof(self) -> FileProof:
        """What must be proven when there are several chunks."""
        return FileProof(self.digest, chunks_digest(self.chunks))

    @cached_property
    def ends(self) -> Sequence[int]:
        """Where each chunk ends in the file."""
        return list(accumulate(chunk.size for chunk in self.chunks))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest with what it is made of.

    Attributes:
        record: as it is kept in the database.
        config: bytes of the blob the manifest names as its config.
        chunk_map: bytes of the blob the record names as its chunk map.
        files: ordered by path.
    """

    record: ManifestRecord
    config: bytes
    chunk_map: bytes
    files: tuple[FileEntry, ...]


def chunks_digest(chunks: Iterable[Chunk]) -> Digest:
    """Digest of a list of chunks: sha256 over each chunk's raw digest and its size in 8 bytes, big-endian."""
    hasher = hashlib.sha256()
    for chunk in chunks:
        hasher.update(listed(chunk))
    return Digest.of_hash(hasher)


def listed(chunk: Chunk) -> bytes:
    """A chunk as :func:`chunks_digest` hashes it."""
    return chunk.digest.raw + chunk.size.to_bytes(8, "big")


def root_digest(files: Iterable[FileEntry]) -> Digest:
    """What OpenSSF Model Signing signs of files, see :func:`muniment.signature.root_digest`."""
    return Digest(signature.root_digest({file.path: file.digest.text for file in files}))


def build_manifest(files: Iterable[FileEntry]) -> Manifest:
    """The manifest of files that were checked, in whatever order."""
    ordered = tuple(sorted(files, key=lambda file: file.path))
    config = rfc8785.dumps(
        {
            "config": {},
            "descriptor": {},
            # Raw layers are not packed in any way: what is uncompressed is the file itself.
            "modelfs": {"type": "layers", "diffIds": [file.digest.text for file in ordered]},
        }
    )
    body = rfc8785.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": MODEL_TYPE,
            "config": _descriptor(CONFIG_TYPE, Digest.of(config), len(config)),
            "layers": [
                {**_descriptor(LAYER_TYPE, file.digest, file.size), "annotations": {FILE_PATH: file.path}}
                for file in ordered
            ],
        }
    )
    chunk_map = rfc8785.dumps(
        {
            "mediaType": CHUNK_MAP_TYPE,
            "files": [
                {
                    "path": file.path,
                    "digest": file.digest.text,
                    "size": file.size,
                    "chunks": [{"digest": chunk.digest.text, "size": chunk.size} for chunk in file.chunks],
                    "chunking": file.chunking,
                }
                for file in ordered
            ],
        }
    )
    record = ManifestRecord(
        digest=Digest.of(body),
        body=body,
        config_digest=Digest.of(config),
        chunk_map=Chunk(Digest.of(chunk_map), len(chunk_map)),
        size_bytes=sum(file.size for file in ordered),
        file_count=len(ordered),
    )
    return Manifest(record, config, chunk_map, ordered)


def read_chunk_map(chunk_map: bytes) -> tuple[FileEntry, ...]:
    """The files of a chunk map that :func:`build_manifest` made and whose digest was verified."""
    entries: Sequence[dict[str, Any]] = json.loads(chunk_map)["files"]
    return tuple(
        FileEntry(
            path=entry["path"],
            digest=Digest(entry["digest"]),
            size=entry["size"],
            chunks=tuple(Chunk(Digest(chunk["digest"]), chunk["size"]) for chunk in entry["chunks"]),
            # Chunk maps of the first days do not tell it.
            chunking=entry.get("chunking", ""),
        )
        for entry in entries
    )


def distinct_chunks(files: Iterable[FileEntry]) -> dict[Digest, Chunk]:
    """Each chunk of the files once, in order of first use."""
    return {chunk.digest: chunk for file in files for chunk in file.chunks}


def _descriptor(media_type: str, digest: Digest, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest.text, "size": size}
