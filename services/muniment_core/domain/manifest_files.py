"""The files a manifest lists, read for those who tell of files and never touch their bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from muniment.digests import Digest

_FILE_PATH = "org.cncf.model.filepath"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a manifest; ``size`` in bytes."""

    path: str
    digest: str
    size: int


def listed_files(manifest: bytes) -> tuple[ListedFile, ...]:
    """The files of a manifest that is kept, ordered by path: one layer each, with its path as annotation."""
    return tuple(
        ListedFile(layer["annotations"][_FILE_PATH], layer["digest"], layer["size"])
        for layer in json.loads(manifest)["layers"]
    )


def root_digest(files: Iterable[ListedFile]) -> str:
    """What OpenSSF Model Signing (https://github.com/sigstore/model-transparency) signs of files.

    It is sha256 over their raw digests, ordered by the parts of their paths: ``a/b`` comes before ``a.b``.
    """
    ordered = sorted(files, key=lambda file: file.path.split("/"))
    return Digest.of(b"".join(Digest(file.digest).raw for file in ordered)).text
