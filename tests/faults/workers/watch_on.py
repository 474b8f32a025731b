"""Watches the project from its first revision on with one Watch, and notes every event, until it is killed.

watch_on.py JOURNAL
"""

from __future__ import annotations

import sys
from pathlib import Path

import muniment
from journal import Journal

journal = Journal(Path(sys.argv[1]))
with muniment.connect() as registry, registry.watch(after=0, heartbeat=1.0) as watch:
    print("watching")
    for event in watch:
        journal.note(revision=event.revision, type=event.type)
