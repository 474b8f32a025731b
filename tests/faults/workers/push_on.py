"""Pushes version after version until told to stop, whatever happens to the server.

push_on.py MODEL DIRECTORY JOURNAL STOP-FILE. Each push has a request id of its own and is repeated with it until
it is answered; beginning and answer are noted.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import muniment
from journal import Journal, until_answered

PAUSE = 0.02
"""Between pushes, so that the check of all versions after each fault stays affordable."""

model, directory, stop = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[4])
journal = Journal(Path(sys.argv[3]))
directory.mkdir()
with muniment.connect() as registry:
    count = 0
    while not stop.exists():
        count += 1
        request_id = f"{directory.name}-{count}"
        (directory / "weights.bin").write_bytes(os.urandom(50_000))
        (directory / "config.json").write_text(f'{{"request": "{request_id}"}}')

        def push(request_id: str = request_id, f1: float = count / 1000) -> muniment.Version:
            return registry.push(model, directory, metrics={"f1": f1}, request_id=request_id)

        journal.note(begun=request_id)
        version = until_answered(push)
        journal.note(request_id=request_id, number=version.number, digest=version.digest)
        time.sleep(PAUSE)
