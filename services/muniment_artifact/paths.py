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
MAX_PARTS = 32
"""Far deeper than people nest; programs that walk directories by recursion manage it too."""

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
    # A tree of parts, each step one look-up, however long the path: keys are the number of the directory and the
    # part in it. Keys of whole beginnings would cost the square of the length.
    tree: dict[tuple[int, str], int] = {}
    files: dict[int, str] = {}
    directories: dict[int, str] = {}
    for field, path in paths:
        place = 0
        *above, name = _folded(path).split("/")
        for part in above:
            place = tree.setdefault((place, part), len(tree) + 1)
            if place in files:
                raise InvalidPath(field, path, f"lies below {files[place][:200]!r}, which is a file")
            directories.setdefault(place, path)
        place = tree.setdefault((place, name), len(tree) + 1)
        if place in files:
            other = files[place]
            if other == path:
                raise InvalidPath(field, path, "is there twice")
            raise InvalidPath(field, path, f"differs from {other[:200]!r} by case or Unicode form only")
        if place in directories:
            raise InvalidPath(field, path, f"is a directory of {directories[place][:200]!r}")
        files[place] = path


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
    parts = path.split("/")
    if len(parts) > MAX_PARTS:
        return f"has {len(parts)} parts, while {MAX_PARTS} is the most"
    return next((why for part in parts if (why := _part_fault(part))), "")


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
