"""The peer that benchmarks are held against: the newest `mlflow server`, in an environment of its own.

With `uvicorn[standard]` beside it: without, each of its requests loses 40 ms to a delayed acknowledgement. Its job
runner, which no benchmark uses, is switched off.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.processes import ProcessRunner, RunningProcess

REQUIREMENTS = ("mlflow", "uvicorn[standard]", "psycopg2-binary")
START_SECONDS = 600.0
"""It takes half a minute on an idle machine."""
_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


def install_peer(cache: Path) -> Path:
    """Make or update the environment; returns its `bin`.

    Raises:
        subprocess.CalledProcessError: if the registry of packages does not answer.
    """
    environment = cache / "muniment-benchmarks" / "peer"
    uv = str(Path(sys.executable).parent / "uv")
    if not (environment / "bin/python").exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    install = [uv, "pip", "install", "--quiet", "--upgrade", "--python", str(environment / "bin/python")]
    subprocess.run([*install, *REQUIREMENTS], check=True)
    return environment / "bin"


@dataclass(frozen=True)
class Peer:
    """A running peer with model `m`, whose version 1 has the alias `production`.

    Attributes:
        python: interpreter of its environment, in which its client is.
        seconds_to_serve: from its start to its first answer.
    """

    process: RunningProcess
    python: Path
    port: int
    seconds_to_serve: float

    def resident_mib(self) -> float:
        """Memory of all its processes; what they share counts once."""
        return resident_mib(self.process.pid)


def start_peer(processes: ProcessRunner, programs: Path, directory: Path, database: str | None) -> Peer:
    """Start the peer on a SQLite file in the directory, or on a PostgreSQL database, and wait until it answers."""
    directory.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    store = f"sqlite:///{directory}/peer.db"
    if database is not None:
        store = database.replace("postgresql://", "postgresql+psycopg2://", 1)
    began = time.monotonic()
    process = processes.start(
        *(programs / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", store, "--serve-artifacts"),
        *("--artifacts-destination", directory / "artifacts"),
        # As many as there are processors; its default of four is no faster on two, and takes twice the memory.
        *("--workers", str(os.cpu_count() or 2)),
        # A busy machine starts its workers slowly, and its supervisor would kill them for it.
        *("--uvicorn-opts", "--timeout-worker-healthcheck 120"),
        name="peer",
        cwd=directory,
        env={**_ENVIRONMENT, "PATH": f"{programs}:/usr/bin:/bin"},
    )
    _await_answer(process, port)
    peer = Peer(process, programs / "python", port, time.monotonic() - began)
    _post(port, "registered-models/create", {"name": "m"})
    source = {"name": "m", "source": "s3://models/m"}
    _post(port, "model-versions/create", source)
    _post(port, "registered-models/alias", {"name": "m", "alias": "production", "version": "1"})
    return peer


def resident_mib(pid: int) -> float:
    """Memory of a process and all below it; what they share counts once."""
    parent = psutil.Process(pid)
    return float(
        sum(each.memory_full_info().pss for each in (parent, *parent.children(recursive=True))) / 2**20
    )


def _await_answer(process: RunningProcess, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            assert process.running, f"the peer ended\n{process.stderr[-4000:]}"
            assert time.monotonic() < deadline, f"the peer does not answer\n{process.stderr[-4000:]}"
            time.sleep(0.05)


def _post(port: int, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=START_SECONDS):
        pass
