"""Pushes one directory, telling what is on its way.

push_one.py MODEL DIRECTORY: prints `PHASE DONE TOTAL` in bytes as it goes, then `version NUMBER DIGEST`.
"""

from __future__ import annotations

import sys

import muniment


def tell(phase: str, done: int, total: int) -> None:
    """One write for a line: whoever reads it finds it whole."""
    sys.stdout.write(f"{phase} {done} {total}\n")


with muniment.connect() as registry:
    version = registry.push(sys.argv[1], sys.argv[2], progress=tell)
    print("version", version.number, version.digest)
