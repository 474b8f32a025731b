"""How a file looked when its bytes were last found right.

Whoever writes to a file changes its time of change, which nobody can set at will; so a file that looks as it did
then need not be hashed again. A link to it that comes or goes changes that time as well: then it is hashed once.
"""

from __future__ import annotations

import os
import stat
from dataclasses import astuple, dataclass
from pathlib import Path

from muniment.cache.writing import write_whole

_VERSION = "muniment-seal/1"
_MOST_BYTES = 200


@dataclass(frozen=True, slots=True)
class Seal:
    """What ``stat`` says of a file."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Seal:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    @classmethod
    def read(cls, path: Path) -> Seal | None:
        """The seal in a file; None where there is none, or none that can be read."""
        try:
            with path.open("rb") as file:
                version, *numbers = file.read(_MOST_BYTES).decode("ascii").split()
            inode, size, modified, changed = map(int, numbers)
        except (OSError, ValueError):
            return None
        return cls(inode, size, modified, changed) if version == _VERSION else None

    def write(self, path: Path) -> None:
        """Keep the seal in a file; one that is lost costs hashing once more."""
        write_whole(path, " ".join([_VERSION, *map(str, astuple(self))]).encode())

    def same_bytes(self, status: os.stat_result) -> bool:
        """Whether nothing but the number of links to the file can have changed since."""
        return stat.S_ISREG(status.st_mode) and (
            (self.inode, self.size, self.modified_ns) == (status.st_ino, status.st_size, status.st_mtime_ns)
        )
