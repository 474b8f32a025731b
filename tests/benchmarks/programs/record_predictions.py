"""Records predictions as a serving process does, and tells what that cost it.

Arguments: version, how many, and `json` or `bytes` for what is recorded. Says `ready`, waits for a line on
standard input, records as fast as it can, flushes, and prints a JSON object.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from statistics import median

import muniment

VERSION, COUNT, PAYLOAD = sys.argv[1], int(sys.argv[2]), sys.argv[3]
FEATURES = {"age": 41.5, "tenure": 12, "plan": "gold", "spend": [12.5, 99.0, 3.25]}
BODY = json.dumps(FEATURES).encode()


def main() -> None:
    with muniment.connect() as registry, registry.predictions(VERSION) as recorder:
        # Ids as others make them are the dearest to store: they do not compress.
        ids = [str(uuid.uuid4()) for _ in range(COUNT)]
        recorder.record(input=FEATURES, output=0.5)
        recorder.flush()
        print("ready", flush=True)
        sys.stdin.readline()
        costs = []
        began, cpu = time.perf_counter(), time.process_time()
        for number, prediction_id in enumerate(ids):
            asked: object = {**FEATURES, "row": number}
            answered: object = number / 7
            if PAYLOAD == "bytes":
                asked, answered = b"%s%d" % (BODY, number), b"%f" % answered
            before = time.perf_counter_ns()
            recorder.record(prediction_id, input=asked, output=answered)
            costs.append(time.perf_counter_ns() - before)
        recorder.flush(600)
        seconds = time.perf_counter() - began
        assert recorder.acknowledged == COUNT + 1
    report = {
        "seconds": seconds,
        "median_us": median(costs) / 1000,
        "cpu_seconds": time.process_time() - cpu,
    }
    print(json.dumps(report), flush=True)


main()
