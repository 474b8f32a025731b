"""Pushes versions to one model, beginning together with its fellows.

push_many.py MODEL COUNT DIRECTORY GO-FILE: prints `ready`, waits for the file, prints the number of each version.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import muniment

model, count, directory, go = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
directory.mkdir()
with muniment.connect() as registry:
    registry.whoami()
    print("ready")
    while not go.exists():
        time.sleep(0.005)
    for _ in range(count):
        (directory / "weights.bin").write_bytes(os.urandom(20_000))
        (directory / "config.json").write_text('{"layers": 3}')
        print(registry.push(model, directory, metrics={"f1": 0.9}, params={"depth": 3}).number)
