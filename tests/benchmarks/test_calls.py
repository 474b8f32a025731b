"""Resolve and register against the bare stack: the ratio is what counts, printed after interleaved rounds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from harness.api import Api
from harness.postgres import PostgresServer
from harness.processes import ProcessRunner
from harness.server import ServerFactory
from muniment.v1 import promotion_service_pb2

PROGRAMS = Path(__file__).parent / "programs"
ROUNDS = 3
SECONDS = 3


def load(address: str, token: str, method: str, connections: int, digest: str) -> dict[str, float]:
    command = [
        sys.executable,
        str(PROGRAMS / "load.py"),
        address,
        token,
        method,
        str(connections),
        str(SECONDS),
    ]
    done = subprocess.run(command, input=digest, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_resolve_and_register_against_the_bare_stack(
    request: pytest.FixtureRequest,
    database: str,
    server_factory: ServerFactory,
    processes: ProcessRunner,
    tmp_path: Path,
) -> None:
    if database == "sqlite":
        server = server_factory()
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        server = server_factory(database=request.getfixturevalue("postgres_database"))
        assert postgres
    with Api(server.address, server.token) as api:
        api.new_model("m")
        digest = api.new_version("m").digest
        api.promotion.RequestPromotion(
            promotion_service_pb2.RequestPromotionRequest(
                version="projects/default/models/m/versions/1", stage="production"
            )
        )
    bare = processes.start(sys.executable, str(PROGRAMS / "bare.py"), str(tmp_path), name="bare")
    bare_address = bare.wait_for_line(r"^serving on (\S+)$").group(1)
    for method in ("resolve", "register"):
        for connections in (1, 16):
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(load(server.address, server.token, method, connections, digest))
                theirs.append(load(bare_address, "none", method, connections, digest))
            rate = median(one["per_second"] for one in ours)
            bare_rate = median(one["per_second"] for one in theirs)
            print(
                f"\n{database} {method}, {connections} connections: {rate:.0f}/s, bare SQLite {bare_rate:.0f}/s, "
                f"ratio {rate / bare_rate:.2f}; p50 {median(one['p50_ms'] for one in ours):.2f} ms "
                f"against {median(one['p50_ms'] for one in theirs):.2f} ms"
            )
