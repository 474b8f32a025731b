"""Pushes one directory, telling what is on its way.

push_one.py MODEL DIRECTORY: prints `PHASE DONE TOTAL` in bytes as it goes, then `version NUMBER DIGEST`.
"""

from __future__ import annotations

import sys

import muniment

with muniment.connect() as registry:
    version = registry.push(
        sys.argv[1], sys.argv[2], progress=lambda phase, done, total: print(phase, done, total)
    )
    print("version", version.number, version.digest)
