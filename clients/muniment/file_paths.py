"""Which file paths may be part of a version, for those who take one in and for those who put one on a disk.

A version is unpacked on other people's machines, with other file systems and by other clients. So every path is
refused that means something else somewhere: that leaves the directory, names a device, cannot be created,
or that two files would share on a file system that folds case or Unicode forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

FILE_PATH = "org.cncf.model.filepath"
"""Annotation by which a layer of a manifest says which file it is (https://github.com/modelpack/model-spec)."""

MAX_PATH_BYTES = 1_024
MAX_PART_BYTES = 255
"""What one directory entry holds on the common file systems."""
MAX_PARTS = 32
"""Far deeper than people nest; programs that walk directories by recursion manage it too."""

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BAD_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})
_SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python makes of a name's bytes that are not UTF-8; no text of another kind holds one."""
_DRIVE = re.compile("[A-Za-z]:")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: with any extension, in any case, and with
# the superscript digits, which Windows reads as digits here.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


class UnsafePath(ValueError):
    """A path cannot be a file of a version; the text says why."""


def check_path(path: str) -> str:
    """Return ``path`` if it is a safe relative path, with ``/`` between its parts.

    Raises:
        UnsafePath: if it is not.
    """
    if why := fault(path):
        raise UnsafePath(f"file path {path[:200]!r} {why}")
    return path


def check_distinct(paths: Iterable[str]) -> None:
    """Refuse safe paths that some file system would put in one place.

    Raises:
        UnsafePath: naming both.
    """
    listed = list(paths)
    if found := clash(listed):
        index, why = found
        raise UnsafePath(f"file path {listed[index][:200]!r} {why}")


def fault(path: str) -> str:
    """What is wrong with a path, put so that it follows its name; nothing if it is safe."""
    if not path:
        return "is empty"
    if _SURROGATE.search(path):
        return "is not valid UTF-8"
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


def clash(paths: Iterable[str]) -> tuple[int, str] | None:
    """The first of several safe paths that shares a place with an earlier one, by its position, and how."""
    # A tree of parts, each step one look-up, however long the path: keys are the number of the directory and the
    # part in it. Keys of whole beginnings would cost the square of the length.
    tree: dict[tuple[int, str], int] = {}
    files: dict[int, str] = {}
    directories: dict[int, str] = {}
    for index, path in enumerate(paths):
        place = 0
        *above, name = _folded(path).split("/")
        for part in above:
            place = tree.setdefault((place, part), len(tree) + 1)
            if place in files:
                return index, f"lies below {files[place][:200]!r}, which is a file"
            directories.setdefault(place, path)
        place = tree.setdefault((place, name), len(tree) + 1)
        if place in files:
            other = files[place]
            if other == path:
                return index, "is there twice"
            return index, f"differs from {other[:200]!r} by case or Unicode form only"
        if place in directories:
            return index, f"is a directory of {directories[place][:200]!r}"
        files[place] = path
    return None


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
