"""``muniment-server`` that tells where its CPU seconds go: on SIGUSR1 it prints a line of JSON.

Arguments are those of ``muniment-server``.
"""

from __future__ import annotations

import json
import signal
import time
from typing import Any

from cpu_split import CpuSplit
from muniment_artifact import passing
from muniment_artifact.blobs import disk, expected, verified
from muniment_core.db.writer import Writer
from muniment_server.entry import main

split = CpuSplit()


def tell(_number: int, _frame: Any) -> None:
    """Print what was spent so far; ``all`` is the whole process."""
    print("split " + json.dumps({**split.seconds(), "all": time.process_time()}), flush=True)


split.wrap_hashing("hash", expected, passing, verified)
split.wrap("write", disk.DiskBlobWriter, "write")
split.wrap("make durable", disk.DiskBlobStore, "create")
split.wrap("make durable", disk.DiskBlobWriter, "commit")
split.wrap("read", disk, "_read_at")
split.wrap("database", Writer, "_commit")
signal.signal(signal.SIGUSR1, tell)
main()
