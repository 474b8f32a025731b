"""Where the cache is and how large it may be: what was said, then the environment, then the default."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

from muniment import local
from muniment.errors import InvalidArgument
from muniment.local_paths import local_path

OFF = "off"
DEFAULT_MAX_BYTES = 64 * 1024**3

_SIZE = re.compile(r"([0-9]{1,18})(?:\.([0-9]))? ?([KMGT]i?)?B?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """A cache to use.

    Attributes:
        max_bytes: what it may hold after a pull.
        chosen: whether somebody named it. One that nobody named is used only where it costs nothing.
    """

    directory: Path
    max_bytes: int
    chosen: bool


def cache_settings(
    directory: str | PathLike[str] | Literal[False] | None, max_bytes: int | None = None
) -> CacheSettings | None:
    """The cache to use; None for none.

    Args:
        directory: False or ``off`` for none. Default: ``$MUNIMENT_CACHE``, then ``$XDG_CACHE_HOME/muniment``.
        max_bytes: default ``$MUNIMENT_CACHE_MAX_BYTES``, then 64 GiB.

    Raises:
        InvalidArgument: if either cannot be read.
    """
    named = os.environ.get("MUNIMENT_CACHE") or None if directory is None else directory
    most = _most(max_bytes)
    if named is False or named == OFF:
        return None
    if named is not None:
        # resolve() would follow a link that somebody may mean to change.
        return CacheSettings(Path(os.path.abspath(local_path(named, "cache"))), most, chosen=True)  # noqa: PTH100
    try:
        return CacheSettings(local.default_cache_dir(), most, chosen=False)
    except RuntimeError:
        return None  # this user has no home directory


def parse_size(text: str) -> int:
    """Bytes of ``1500``, ``20GB`` or ``1.5 GiB``.

    Raises:
        ValueError: if it is none of these.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:50]!r} is not a size like 500MB or 20GiB")
    whole, tenth, unit = match.groups()
    base = 1 if unit is None else (1024 if unit.lower().endswith("i") else 1000) ** _POWERS[unit[0].lower()]
    return int(whole) * base + int(tenth or 0) * base // 10


def _most(said: int | None) -> int:
    if said is None:
        text = os.environ.get("MUNIMENT_CACHE_MAX_BYTES", "")
        try:
            return parse_size(text) if text else DEFAULT_MAX_BYTES
        except ValueError as error:
            raise InvalidArgument(f"MUNIMENT_CACHE_MAX_BYTES: {error}") from None
    if type(said) is not int or said < 0:
        raise InvalidArgument(f"cache_max_bytes is {said!r:.50}, while it is a number of bytes, 0 or more")
    return said
