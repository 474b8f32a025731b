"""Paths of this machine, as callers give them."""

from __future__ import annotations

import os
from pathlib import Path

from muniment.errors import InvalidArgument


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
