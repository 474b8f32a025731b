"""Many training jobs that push to one model at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.api import Api
from harness.processes import RunningProcess
from harness.server import ServerProcess
from muniment.v1 import catalog_pb2

PUSHERS = 8


@pytest.mark.soak
def test_eight_processes_push_to_one_model_and_no_number_is_missing_or_given_twice(
    any_server: ServerProcess,
    start_worker: Callable[..., RunningProcess],
    connect: Callable[[ServerProcess], Api],
    list_versions: Callable[[Api, str], list[catalog_pb2.Version]],
    check_ledger: Callable[[Api], list[Any]],
    tmp_path: Path,
    soak: bool,
) -> None:
    each = 250 if soak else 25
    go = tmp_path / "go"
    pushers = [
        start_worker("push_many", any_server, "churn", each, tmp_path / f"pusher-{number}", go)
        for number in range(PUSHERS)
    ]
    for pusher in pushers:
        pusher.wait_for_line("^ready$")
    go.touch()
    for pusher in pushers:
        assert pusher.wait(deadline=250) == 0, pusher.stderr

    answered = [[int(line) for line in pusher.lines[1:]] for pusher in pushers]
    everything = list(range(1, PUSHERS * each + 1))
    assert sorted(number for numbers in answered for number in numbers) == everything
    assert all(numbers == sorted(numbers) for numbers in answered), "later pushes of a process come later"
    api = connect(any_server)
    versions = list_versions(api, "churn")
    assert [version.number for version in versions] == everything
    assert {version.state for version in versions} == {catalog_pb2.VERSION_STATE_READY}
    assert len({version.digest for version in versions}) == len(everything)
    created = [entry.number for entry in check_ledger(api) if entry.type == "version.created"]
    assert created == everything, "the ledger has them in the order of their numbers"
