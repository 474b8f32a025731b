"""Pushes versions that share most of their bytes, and deletes every other one, until told to stop.

push_and_delete.py MODEL DIRECTORY JOURNAL COUNT STOP-FILE. Stops after so many versions (0: never by itself), or
when the file is there. What is noted as kept was acknowledged and is never deleted.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import muniment
from journal import Journal
from muniment import errors

DEADLINE = 120.0
PIECES = [random.Random(number).randbytes(20_000) for number in range(6)]

model, directory, count, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[4]), Path(sys.argv[5])
journal = Journal(Path(sys.argv[3]))
directory.mkdir()
dice = random.Random(model)


def pushed(registry: muniment.Registry) -> muniment.Version:
    """Pushes until nothing was collected between two steps of the push."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return registry.push(model, directory)
        except (errors.ChunkMissing, errors.ManifestNotFound, errors.Unavailable, errors.DeadlineExceeded):
            if time.monotonic() > end:
                raise


with muniment.connect() as registry:
    number = 0
    while not stop.exists() and (count == 0 or number < count):
        number += 1
        for name, piece in enumerate(dice.sample(PIECES, 3)):
            (directory / f"{name}.bin").write_bytes(piece)
        (directory / "new.bin").write_bytes(dice.randbytes(5_000))
        version = pushed(registry)
        if number % 2:
            journal.note(kept=version.number, digest=version.digest)
        else:
            registry.delete_version(f"{model}@{version.number}")
