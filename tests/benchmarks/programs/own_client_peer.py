"""The same with the peer's own client; runs in the peer's environment.

Reads from standard input: port, method (resolve or register) and seconds.
"""

from __future__ import annotations

import json
import sys
import time

from mlflow import MlflowClient

spec = json.load(sys.stdin)
address = f"http://127.0.0.1:{spec['port']}"
client = MlflowClient(address, address)
calls = {
    "resolve": lambda: client.get_model_version_by_alias("m", "production"),
    "register": lambda: client.create_model_version("m", "s3://models/m", tags={"f1": "0.9", "depth": "6"}),
}
call = calls[spec["method"]]
times: list[float] = []
began = time.perf_counter()
while time.perf_counter() < began + spec["seconds"]:
    asked = time.perf_counter()
    call()
    times.append(time.perf_counter() - asked)
seconds = time.perf_counter() - began
times.sort()
print(json.dumps({"answered": len(times), "seconds": seconds, "p50_ms": times[len(times) // 2] * 1000}))
