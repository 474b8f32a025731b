"""Small files of the cache, which appear whole or not at all."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

TEMPORARY = "tmp-"


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in the place of whatever stands there.

    It may be lost with the power: what is kept so can be had again.
    """
    temporary = path.with_name(TEMPORARY + uuid.uuid4().hex)
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
