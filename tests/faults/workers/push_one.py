"""Pushes one directory, telling what is on its way.

push_one.py MODEL DIRECTORY [BYTES]: prints `PHASE DONE TOTAL` in bytes as it goes, then `version NUMBER DIGEST`.
Kills itself when so many bytes are acknowledged, whatever its other threads are doing then.
"""

from __future__ import annotations

import os
import signal
import sys

import muniment

last = int(sys.argv[3]) if len(sys.argv) > 3 else None


def tell(phase: str, done: int, total: int) -> None:
    """One write for a line: whoever reads it finds it whole."""
    sys.stdout.write(f"{phase} {done} {total}\n")
    if phase == "push" and last is not None and done >= last:
        os.kill(os.getpid(), signal.SIGKILL)


with muniment.connect() as registry:
    version = registry.push(sys.argv[1], sys.argv[2], progress=tell)
    print("version", version.number, version.digest)
