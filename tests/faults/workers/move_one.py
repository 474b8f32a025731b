"""Pushes a path or pulls a version, and tells the most memory this process ever had resident, in bytes.

Arguments: `push` or `pull`, the model, the path.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import muniment

verb, model, path = sys.argv[1:]
with muniment.connect() as registry:
    if verb == "push":
        registry.push(model, path, progress=False)
    else:
        registry.pull(model, path, progress=False)
status = Path("/proc/self/status").read_text()
print("most", int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024)  # type: ignore[index]  # Linux has it
