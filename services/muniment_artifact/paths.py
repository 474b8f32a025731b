"""The rules of :mod:`muniment.file_paths`, as the refusals of this service."""

from __future__ import annotations

from collections.abc import Iterable

from muniment.file_paths import clash, fault
from muniment_core.domain.errors import InvalidPath


def check_path(field: str, path: str) -> None:
    """Refuse a path that is not a safe relative path.

    Raises:
        InvalidPath: naming ``field`` and what is wrong.
    """
    if why := fault(path):
        raise InvalidPath(field, path, why)


def check_distinct(paths: Iterable[tuple[str, str]]) -> None:
    """Refuse paths that some file system would put in one place.

    Args:
        paths: pairs of field and path; each path is safe by itself.

    Raises:
        InvalidPath: naming the later one of two that clash.
    """
    pairs = list(paths)
    if found := clash(path for _, path in pairs):
        index, why = found
        raise InvalidPath(*pairs[index], why)
