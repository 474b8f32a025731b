"""Recording predictions: what it costs who serves, how many a server takes in, and what each takes to store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import IO, cast

import psutil
import psycopg
import pytest
from harness.api import Api
from harness.bars import BarTable, interleaved
from harness.server import ServerFactory, ServerProcess

PROGRAM = Path(__file__).parent / "programs/record_predictions.py"
CLIENTS = 4
PER_CLIENT = 25_000
ONE_CLIENT = 20_000
VERSION = "churn@1"


def records(server: ServerProcess, clients: int, count: int, payload: str = "bytes") -> tuple[float, float]:
    """Predictions that all clients together had acknowledged per second, and the median cost of recording one."""
    with ExitStack() as stack:
        running = [stack.enter_context(recording(server, count, payload)) for _ in range(clients)]
        for process in running:
            assert cast("IO[str]", process.stdout).readline() == "ready\n"
        server_process = psutil.Process(server.pid)
        cpu, began = sum(server_process.cpu_times()[:2]), time.perf_counter()
        for process in running:
            into = cast("IO[str]", process.stdin)
            into.write("\n")
            into.flush()
        reports = [json.loads(cast("IO[str]", process.stdout).readline()) for process in running]
        seconds = time.perf_counter() - began
        cpu = sum(server_process.cpu_times()[:2]) - cpu
        for process in running:
            assert process.wait(60) == 0
    rate = clients * count / seconds
    client_us = median(one["cpu_seconds"] for one in reports) / count * 1e6
    print(
        f"\n{clients} x {count} {payload}: {rate:,.0f}/s; processor time of each prediction: "
        f"server {cpu / clients / count * 1e6:.1f} us, client {client_us:.1f} us"
    )
    return rate, median(one["median_us"] for one in reports)


@contextmanager
def recording(server: ServerProcess, count: int, payload: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), VERSION, str(count), payload],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"MUNIMENT_TARGET": server.address, "MUNIMENT_TOKEN": server.token},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stored_bytes(server: ServerProcess, url: str | None) -> int:
    """What the registry takes on disk; the server must be stopped, so that nothing waits in a log."""
    total = sum(path.stat().st_size for path in server.data.rglob("*") if path.is_file())
    if url is not None:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            total += size
    return total


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_recording_against_its_bars(
    request: pytest.FixtureRequest, database: str, server_factory: ServerFactory, table: BarTable
) -> None:
    url = request.getfixturevalue("migrated_postgres_database") if database == "postgresql" else None
    server = server_factory(database=url, migrate=False)
    with Api(server.address, server.token) as api:
        api.new_model("churn")
        api.new_version("churn")
    records(server, 1, 2_000)
    server.stop()
    before = stored_bytes(server, url)
    server.restart()
    found = interleaved({"in": lambda: records(server, CLIENTS, PER_CLIENT)[0]})
    costs = interleaved({"cost": lambda: records(server, 1, ONE_CLIENT, "json")[1]})
    server.stop()
    kept = len(found["in"]) * CLIENTS * (PER_CLIENT + 1) + len(costs["cost"]) * (ONE_CLIENT + 1)
    per_record = (stored_bytes(server, url) - before) / kept
    table.add(
        "record a prediction, calling thread", database, ours=costs["cost"], unit="us", at_most={"": 20}
    )
    table.add(
        f"predictions taken in, {CLIENTS} clients",
        database,
        ours=found["in"],
        unit="/s",
        at_least={"": 20_000},
    )
    table.add("stored per prediction", database, ours=[per_record], unit="bytes", at_most={"": 200})
