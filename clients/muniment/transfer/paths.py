"""Which file paths are safe, whoever they come from."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from muniment.errors import InvalidArgument

MAX_PATH_BYTES = 1_024
MAX_PART_BYTES = 255

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
    for part in path.split("/"):
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
    files: dict[str, str] = {}
    directories: dict[str, str] = {}
    for path in paths:
        key = _folded(path)
        if key in files or key in directories:
            raise UnsafePath(
                f"file path {path[:200]!r} clashes with {files.get(key, directories.get(key, ''))[:200]!r}"
            )
        files[key] = path
        while "/" in key:
            key = key.rpartition("/")[0]
            if key in files:
                raise UnsafePath(f"file path {path[:200]!r} lies below {files[key][:200]!r}, which is a file")
            directories.setdefault(key, path)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
