"""The newest checkpoint a user saw of each ledger: what no server can take back.

::

    $XDG_STATE_HOME/muniment/checkpoints/
    └── muniment%2F5f0c6a2e9b1d7734/       name of the ledger, percent-encoded
        ├── checkpoint                     the signed note, byte for byte
        ├── key                            the key that signed it, perhaps with that of the one before
        └── fork-412-….checkpoint          kept when a later one contradicted it, with fork-….seen
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from muniment.errors import CannotRead, CannotWrite
from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.keys import PublicKey
from muniment.local import state_directory


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen before.

    Attributes:
        note: the signed checkpoint, byte for byte.
        key: the key that signed it.
    """

    checkpoint: Checkpoint
    note: bytes
    key: PublicKey


class SeenCheckpoints:
    """Keeps what was seen, by name of the ledger."""

    def __init__(self, directory: Path | None = None) -> None:
        """Use a directory, by default that of the user's state."""
        self._directory = directory or state_directory() / "checkpoints"

    def of(self, origin: str) -> Seen | None:
        """What was seen of a ledger, or None.

        Raises:
            CannotRead: if what is kept cannot be read or is not what was kept.
        """
        place = self._place(origin)
        try:
            note = (place / "checkpoint").read_bytes()
            keys = list(map(PublicKey.parse, (place / "key").read_text(encoding="utf-8").splitlines()))
            for key in keys[:-1]:
                with suppress(InvalidEvidence):
                    return Seen(open_checkpoint(note, [key], origin=origin), note, key)
            return Seen(open_checkpoint(note, keys[-1:], origin=origin), note, *keys[-1:])
        except FileNotFoundError:
            return None
        except (OSError, InvalidEvidence, UnicodeDecodeError) as error:
            raise CannotRead(f"what was seen of {origin} in {place}: {error}") from error

    def keep(self, seen: Seen) -> None:
        """Keep this as the newest that was seen.

        Raises:
            CannotRead: as :meth:`of`.
            CannotWrite: if it cannot be written.
        """
        place = self._place(seen.checkpoint.origin)
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = self.of(seen.checkpoint.origin)
            # Both keys until the checkpoint is replaced, in case that never happens.
            keys = [seen.key] if before is None or before.key == seen.key else [seen.key, before.key]
            _write(place / "key", "".join(f"{key.text}\n" for key in keys).encode())
            _write(place / "checkpoint", seen.note)
        except OSError as error:
            raise CannotWrite(f"{place}: {error.strerror}") from error

    def keep_fork(self, seen: Seen, note: bytes) -> Path:
        """Keep both of two checkpoints that contradict each other; returns where.

        Raises:
            CannotWrite: if they cannot be written.
        """
        place = self._place(seen.checkpoint.origin)
        path = place / f"fork-{seen.checkpoint.size}-{hashlib.sha256(note).hexdigest()[:16]}.checkpoint"
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path.with_suffix(".seen"), seen.note)
            _write(path, note)
        except OSError as error:
            raise CannotWrite(f"{path}: {error.strerror}") from error
        return path

    def _place(self, origin: str) -> Path:
        # Dots too: a ledger may be called "..".
        return self._directory / quote(origin, safe="").replace(".", "%2E")


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
