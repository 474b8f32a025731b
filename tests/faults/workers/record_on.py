"""Records predictions until a file appears, through restarts of the server; notes what was acknowledged.

Arguments: version, name of this sender, journal, stop file.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import muniment

VERSION, NAME, JOURNAL, STOP = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])


def main() -> None:
    with muniment.connect() as registry, JOURNAL.open("a", buffering=1) as journal:
        recorder = registry.predictions(VERSION, capacity=200)
        number = acknowledged = 0
        while not STOP.exists():
            recorder.record(f"{NAME}-{number}", input=b"%d" % number, output=b"")
            number += 1
            time.sleep(0.002)  # hundreds a second are many enough to be told apart one by one afterwards
            # Predictions are acknowledged in the order in which they were recorded.
            if recorder.acknowledged > acknowledged:
                acknowledged = recorder.acknowledged
                journal.write(json.dumps({"acknowledged": acknowledged}) + "\n")
        recorder.flush(120)
        journal.write(json.dumps({"acknowledged": recorder.acknowledged, "recorded": number}) + "\n")
        recorder.close()


main()
