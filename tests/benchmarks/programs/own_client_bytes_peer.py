"""Moves the files of a directory once with the peer's own client; runs in the peer's environment. Prints JSON.

Reads from standard input: verb (push, pull), address, model, path and names. What is pushed goes to a run of an
experiment that is called as the model; a pull makes the directory ``path``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import mlflow
from mlflow import MlflowClient

spec = json.load(sys.stdin)
address = f"http://{spec['address']}"
mlflow.set_tracking_uri(address)
client = MlflowClient(address, address)
name = f"client-{spec['model']}"


def cpu_seconds() -> float:
    """CPU seconds of this process and its children so far."""
    spent = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in spent)


if spec["verb"] == "push":
    run = client.create_run(client.create_experiment(name)).info.run_id
else:
    experiment = client.get_experiment_by_name(name)
    run = client.search_runs([experiment.experiment_id])[0].info.run_id
    Path(spec["path"]).mkdir()
cpu, began = cpu_seconds(), time.perf_counter()
if spec["verb"] == "push":
    client.log_artifacts(run, spec["path"])
else:
    client.download_artifacts(run, "", spec["path"])
seconds = time.perf_counter() - began
if spec["verb"] == "pull":
    missing = {each for each in spec["names"] if not (Path(spec["path"]) / each).is_file()}
    assert not missing, missing
print(json.dumps({"seconds": seconds, "cpu": {"all": cpu_seconds() - cpu}}))
