"""Pulls one version, telling what comes over the network.

pull_one.py SELECTOR DIRECTORY [BYTES]: prints `fetched BYTES` for all that has come so far, then `pulled`. Kills
itself when so many bytes have come, whatever its other threads are doing then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import muniment
from muniment.transfer.arriving import ArrivingFile

counting = threading.Lock()
fetched = 0
last = int(sys.argv[3]) if len(sys.argv) > 3 else None
write = ArrivingFile.write


def told(file: ArrivingFile, offset: int, data: bytes | memoryview) -> None:
    """What comes from a registry goes through here, and nothing else does."""
    global fetched
    write(file, offset, data)
    with counting:
        fetched += len(data)
        print("fetched", fetched)
        if last is not None and fetched >= last:
            os.kill(os.getpid(), signal.SIGKILL)


ArrivingFile.write = told  # type: ignore[method-assign]
# Nobody is left behind as one that stands still because the machine is busy.
with muniment.connect(timeout=300) as registry:
    registry.pull(sys.argv[1], sys.argv[2])
print("pulled")
