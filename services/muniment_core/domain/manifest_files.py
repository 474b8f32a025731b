"""The files a manifest lists, read for those who tell of files and never touch their bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from muniment.file_paths import FILE_PATH


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a manifest; ``size`` in bytes."""

    path: str
    digest: str
    size: int


def listed_files(manifest: bytes) -> tuple[ListedFile, ...]:
    """The files of a manifest that is kept, ordered by path: one layer each, with its path as annotation."""
    return tuple(
        ListedFile(layer["annotations"][FILE_PATH], layer["digest"], layer["size"])
        for layer in json.loads(manifest)["layers"]
    )
