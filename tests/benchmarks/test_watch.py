"""From a change to its event at every watcher, against the bare stack."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from harness.api import Api
from harness.bars import BarTable, interleaved
from harness.postgres import PostgresServer
from harness.processes import ProcessRunner
from harness.server import ServerFactory
from muniment.v1 import ledger_service_pb2

PROGRAMS = Path(__file__).parent / "programs"
MODEL = "projects/default/models/m"
PER_SECOND = 200
SECONDS = 5
KEPT_UP = 0.95 * PER_SECOND
"""Who answers the changes more slowly has fewer events to bring, and brings them sooner."""
GOALS_MS = {100: 15.0, 1_000: 60.0}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_from_commit_to_event_against_the_bare_stack(
    request: pytest.FixtureRequest,
    database: str,
    server_factory: ServerFactory,
    processes: ProcessRunner,
    load: Callable[..., dict[str, Any]],
    tmp_path: Path,
    table: BarTable,
) -> None:
    rounds = count()
    with ExitStack() as stack:
        url = None
        if database == "postgresql":
            postgres: PostgresServer = request.getfixturevalue("postgres")
            url = stack.enter_context(postgres.database())
        server = server_factory(database=url)
        stack.callback(server.stop)
        with Api(server.address, server.token) as api:
            api.new_model("m")
            for _ in range(2):
                api.new_version("m")
            ours_at = api.ledger.GetHead(ledger_service_pb2.GetHeadRequest(parent="projects/-")).size
        bare = processes.start(sys.executable, str(PROGRAMS / "bare_watch.py"), str(tmp_path), name="bare")
        stack.callback(bare.kill9)
        revisions = {"ours": ours_at, "bare": 0}
        addresses = {
            "ours": server.address,
            "bare": bare.wait_for_line(r"^serving on (\S+)$").group(1),
        }

        kept_up: dict[str, list[float]] = {name: [] for name in addresses}

        def p99(name: str, watchers: int, seconds: float = SECONDS) -> float:
            result = load(
                "watch_load.py",
                address=addresses[name],
                token=server.token,
                model=MODEL,
                after=revisions[name],
                watchers=watchers,
                per_second=PER_SECOND,
                seconds=seconds,
                round=f"{name}-{next(rounds)}",
            )
            revisions[name] = result["revision"]
            kept_up[name].append(float(result["changes_per_second"]))
            return float(result["p99_ms"])

        for name in addresses:  # nobody's first round pays for warming up
            p99(name, 10, 1)
        for watchers, most in GOALS_MS.items():
            kept_up = {name: [] for name in addresses}
            figures = interleaved(
                {name: (lambda name=name, watchers=watchers: p99(name, watchers)) for name in addresses}
            )
            table.add(
                f"commit to event, {watchers:,} watchers, {PER_SECOND} events/s, p99",
                database,
                ours=figures.pop("ours"),
                unit="ms",
                against=figures,
                at_most={"": most},
            )
            table.add(
                f"changes answered beside {watchers:,} watchers, of {PER_SECOND}/s",
                database,
                ours=kept_up.pop("ours"),
                unit="/s",
                against=kept_up,
                at_least={"": KEPT_UP},
            )
