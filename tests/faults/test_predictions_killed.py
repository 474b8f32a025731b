"""`kill -9` of the server while four recorders send: what was acknowledged is kept, and nothing is kept twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import muniment
import pytest
from harness.api import Api
from harness.processes import RunningProcess
from harness.server import ServerProcess

RECORDERS = 4
SEED = 20261123


@pytest.mark.soak
def test_acknowledged_predictions_are_kept_once_when_the_server_is_killed(
    any_server: ServerProcess,
    start_worker: Callable[..., RunningProcess],
    read_journal: Callable[[Path], list[dict[str, Any]]],
    connect: Callable[[ServerProcess], Api],
    registry_of: Callable[[Any], muniment.Registry],
    check_ledger: Callable[[Api], list[Any]],
    until: Callable[..., None],
    tmp_path: Path,
    soak: bool,
) -> None:
    moments = random.Random(SEED)
    server, stop = any_server, tmp_path / "stop"
    api = connect(server)
    api.new_model("churn")
    api.new_version("churn")
    journals = [tmp_path / f"{number}.jsonl" for number in range(RECORDERS)]
    workers = [
        start_worker("record_on", server, "churn@1", f"r{number}", journal, stop)
        for number, journal in enumerate(journals)
    ]

    def acknowledged() -> list[int]:
        return [max((line["acknowledged"] for line in read_journal(one)), default=0) for one in journals]

    def kept() -> Counter[str]:
        return Counter(one.id for one in registry_of(server).list_predictions("churn@1"))

    for _ in range(40 if soak else 3):
        before = acknowledged()
        until(
            lambda seen=before: all(now > then for now, then in zip(acknowledged(), seen, strict=True)),
            "all recorders go on",
        )
        time.sleep(moments.uniform(0.0, 0.3))  # the random moment
        server.kill9()
        told = acknowledged()
        server.restart()
        found = kept()
        assert max(found.values()) == 1, found.most_common(3)
        for number, count in enumerate(told):
            assert not {f"r{number}-{index}" for index in range(count)} - found.keys()
    stop.touch()
    for worker in workers:
        assert worker.wait(deadline=150) == 0, worker.stderr
    found = kept()
    ends = [read_journal(journal)[-1] for journal in journals]
    assert all(end["acknowledged"] == end["recorded"] for end in ends)
    assert found == Counter(
        f"r{number}-{index}" for number, end in enumerate(ends) for index in range(end["recorded"])
    )
    check_ledger(connect(server))
