"""Which file paths are safe, whoever they come from."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from muniment.errors import InvalidArgument

MAX_PATH_BYTES = 1_024
MAX_PART_BYTES = 255
MAX_PARTS = 32

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BAD_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class UnsafePath(ValueError):
    """A path cannot be a file of a version; the text says why."""


def local_path(path: str | os.PathLike[str], what: str) -> Path:
    """A path of this machine, as a caller gave it.

    Raises:
        InvalidArgument: if it is none, or empty: as a rule a variable that was never set, and to ``Path`` the
            working directory.
    """
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise InvalidArgument(f"{what} is {path!r}, while a path is needed") from None
    if not text:
        raise InvalidArgument(f"{what} is empty, while a path is needed")
    return Path(text)


def check_path(path: str) -> str:
    """Return ``path`` if it is a safe relative path, with ``/`` between its parts.

    Raises:
        UnsafePath: if it is not.
    """
    if not path:
        raise UnsafePath("a file path is empty")
    shown = repr(path[:200])
    if any(unicodedata.category(character) in _BAD_CATEGORIES or character in _BIDI for character in path):
        raise UnsafePath(f"file path {shown} holds control characters or cannot be written as UTF-8")
    if "\\" in path:
        raise UnsafePath(f"file path {shown} holds a backslash")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise UnsafePath(f"file path {shown} is longer than {MAX_PATH_BYTES} bytes")
    if not unicodedata.is_normalized("NFC", path):
        raise UnsafePath(f"file path {shown} is not in Unicode form NFC")
    parts = path.split("/")
    if len(parts) > MAX_PARTS:
        raise UnsafePath(f"file path {shown} has {len(parts)} parts, while {MAX_PARTS} is the most")
    for part in parts:
        if part in ("", ".", ".."):
            raise UnsafePath(f"file path {shown} has a part {part!r}")
        if len(part.encode()) > MAX_PART_BYTES:
            raise UnsafePath(f"file path {shown} has a part longer than {MAX_PART_BYTES} bytes")
    return path


def check_distinct(paths: Iterable[str]) -> None:
    """Refuse paths that some file system would put in one place.

    Raises:
        UnsafePath: naming both.
    """
    # A tree of parts: keys of whole beginnings would cost the square of the length.
    tree: dict[tuple[int, str], int] = {}
    files: dict[int, str] = {}
    directories: dict[int, str] = {}
    for path in paths:
        place = 0
        *above, name = _folded(path).split("/")
        for part in above:
            place = tree.setdefault((place, part), len(tree) + 1)
            if place in files:
                raise UnsafePath(
                    f"file path {path[:200]!r} lies below {files[place][:200]!r}, which is a file"
                )
            directories.setdefault(place, path)
        place = tree.setdefault((place, name), len(tree) + 1)
        other = files.get(place) or directories.get(place)
        if other is not None:
            raise UnsafePath(f"file path {path[:200]!r} clashes with {other[:200]!r}")
        files[place] = path


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
