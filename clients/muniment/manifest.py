"""What a manifest says, believed only after every part of it has been compared with every other.

The digest of a version is that of the manifest's bytes. They name path, digest and size of each file, so whoever
holds the digest can tell whether the files are the right ones, whatever the registry says beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from muniment.digests import Digest, InvalidDigest
from muniment.file_paths import FILE_PATH, UnsafePath, check_distinct, check_path
from muniment.v1 import artifact_service_pb2 as pb

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
MODEL_TYPE = "application/vnd.cncf.model.manifest.v1+json"


class UntrueManifest(ValueError):
    """A manifest contradicts its digest or itself, or names what must not be; the text says how."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as a manifest names it."""

    path: str
    digest: str
    size: int


def checked_files(manifest: pb.Manifest, digest: str) -> list[ListedFile]:
    """The files a manifest names.

    Args:
        manifest: as the registry sent it.
        digest: what its bytes must have.

    Raises:
        UntrueManifest: if it is not what the digest stands for, or cannot be put into a directory safely.
    """
    actual = Digest.of(manifest.body).text
    if actual != digest:
        raise UntrueManifest(f"the manifest has digest {actual}, while {digest} was asked for")
    files = [_layer(layer) for layer in _layers(manifest.body)]
    if not files:
        raise UntrueManifest("the manifest names no file")
    try:
        for file in files:
            check_path(file.path)
        check_distinct(file.path for file in files)
    except UnsafePath as error:
        raise UntrueManifest(f"the manifest is not safe: {error}") from error
    told = [ListedFile(entry.path, entry.digest, entry.size) for entry in manifest.files]
    if told != files:
        raise UntrueManifest("the list of files beside the manifest is another one than the manifest's own")
    return files


def _layers(body: bytes) -> list[Any]:
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise UntrueManifest(f"the manifest is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UntrueManifest("the manifest is not a JSON object")
    for key, expected in (("mediaType", MANIFEST_TYPE), ("artifactType", MODEL_TYPE)):
        if document.get(key) != expected:
            raise UntrueManifest(
                f"{key} of the manifest is {str(document.get(key))[:100]!r}, not {expected!r}"
            )
    layers = document.get("layers")
    if not isinstance(layers, list):
        raise UntrueManifest("the manifest has no list of layers")
    return layers


def _layer(layer: Any) -> ListedFile:
    try:
        path, digest, size = layer["annotations"][FILE_PATH], layer["digest"], layer["size"]
        # True is an int to Python and no size to anybody.
        if not isinstance(path, str) or not isinstance(digest, str) or type(size) is not int or size < 0:
            raise TypeError("a layer has a path, a digest and a size")
        return ListedFile(path, Digest.parse(digest).text, size)
    except (KeyError, TypeError, IndexError, InvalidDigest) as error:
        raise UntrueManifest(f"a layer of the manifest cannot be read: {error}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a key twice")
    return members
