"""Pushes versions that share most of their bytes, deletes every other one and archives some, until told to stop.

push_and_delete.py MODEL DIRECTORY JOURNAL COUNT STOP-FILE. Stops after so many versions (0: never by itself), or
when the file is there. What is noted as kept was acknowledged and is never deleted; what was archived of it is
restored before the end.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import muniment
from journal import Journal
from muniment import errors

DEADLINE = 120.0
ARCHIVED = 2
"""Versions that are archived at a time: for long enough that most are moved before they are restored."""

PIECES = [random.Random(number).randbytes(20_000) for number in range(6)]

model, directory, count, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[4]), Path(sys.argv[5])
journal = Journal(Path(sys.argv[3]))
directory.mkdir()
dice = random.Random(model)


def done(call: Callable[[], muniment.Version]) -> muniment.Version:
    """Repeats what something was collected meanwhile for."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return call()
        except (errors.ChunkMissing, errors.ManifestNotFound, errors.Unavailable, errors.DeadlineExceeded):
            if time.monotonic() > end:
                raise


with muniment.connect() as registry:
    number = 0
    archived: list[str] = []
    while not stop.exists() and (count == 0 or number < count):
        number += 1
        for name, piece in enumerate(dice.sample(PIECES, 3)):
            (directory / f"{name}.bin").write_bytes(piece)
        (directory / "new.bin").write_bytes(dice.randbytes(5_000))
        version = done(lambda: registry.push(model, directory))
        selector = f"{model}@{version.number}"
        if number % 2 == 0:
            registry.delete_version(selector)
            continue
        journal.note(kept=version.number, digest=version.digest)
        if number % 4 == 3:
            registry.archive(selector)
            archived.append(selector)
        if len(archived) > ARCHIVED:
            done(partial(registry.restore, archived.pop(0)))
    for selector in archived:
        done(partial(registry.restore, selector))
