"""Which file paths may be part of a manifest.

A manifest is unpacked on other people's machines, with other file systems and by other clients, so the server
refuses every path that means something else somewhere: that leaves the directory, that names a device, that
cannot be created, or that two files would share on a file system that folds case or Unicode forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from muniment_core.domain.errors import InvalidPath

MAX_PATH_BYTES = 1_024
MAX_PART_BYTES = 255
"""What one directory entry holds on the common file systems."""

_DRIVE = re.compile("[A-Za-z]:")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: with any extension, in any case, and with
# the superscript digits, which Windows reads as digits here.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BAD_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_path(field: str, path: str) -> None:
    """Refuse a path that is not a safe relative path.

    Raises:
        InvalidPath: naming ``field`` and what is wrong.
    """
    why = _fault(path)
    if why:
        raise InvalidPath(field, path, why)


def check_distinct(paths: Iterable[tuple[str, str]]) -> None:
    """Refuse paths that some file system would put in one place.

    Args:
        paths: pairs of field and path; each path is safe by itself.

    Raises:
        InvalidPath: naming the later one of two that clash.
    """
    files: dict[str, str] = {}
    directories: dict[str, str] = {}
    for field, path in paths:
        key = _folded(path)
        if key in files:
            other = files[key]
            if other == path:
                raise InvalidPath(field, path, "is there twice")
            raise InvalidPath(field, path, f"differs from {other[:200]!r} by case or Unicode form only")
        if key in directories:
            raise InvalidPath(field, path, f"is a directory of {directories[key][:200]!r}")
        files[key] = path
        while "/" in key:
            key = key.rpartition("/")[0]
            if key in files:
                raise InvalidPath(field, path, f"lies below {files[key][:200]!r}, which is a file")
            directories.setdefault(key, path)


def _fault(path: str) -> str:
    if not path:
        return "is empty"
    if any(unicodedata.category(character) in _BAD_CATEGORIES or character in _BIDI for character in path):
        return "holds control characters"
    if "\\" in path:
        return "holds a backslash: write / between its parts"
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute: make it relative to the version"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode form NFC"
    return next((why for part in path.split("/") if (why := _part_fault(part))), "")


def _part_fault(part: str) -> str:
    if not part:
        return "has an empty part"
    if part in (".", ".."):
        return f"has a part {part!r}"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"has a part longer than {MAX_PART_BYTES} bytes"
    if _DEVICE.fullmatch(part):
        return f"has a part {part!r}, which is a device on Windows"
    return ""


def _folded(path: str) -> str:
    """One text for all paths that are one file somewhere: case, Unicode form, and ends that Windows drops."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())
    return "/".join(part.rstrip(". ") or part for part in folded.split("/"))
