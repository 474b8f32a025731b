"""Collection beside pushes: it takes everything at once, dies at any moment, and never what a version needs."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import muniment
import pytest
from harness.processes import ProcessRunner, RunningProcess
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess

PUSHERS = 2
SECONDS_OF_SOAK = 300.0


@pytest.mark.soak
@pytest.mark.timeout(2400)
def test_a_collector_that_never_rests_takes_nothing_that_an_acknowledged_version_needs(
    server_factory: ServerFactory,
    database: str | None,
    s3_server: S3Server,
    s3_bucket: str,
    processes: ProcessRunner,
    start_worker: Callable[..., RunningProcess],
    registry_of: Callable[[ServerProcess], muniment.Registry],
    read_journal: Callable[[Path], list[dict[str, Any]]],
    check_storage: Callable[..., None],
    tmp_path: Path,
    soak: bool,
) -> None:
    # As registries are run: embedded on a disk, or scaled out over S3.
    bucket = s3_server.options(s3_bucket) if database else ()
    # The shorter it is, the more often is a push overtaken, which it repeats: a slow machine must come through.
    grace = "0.3s" if soak else "1s"
    server = server_factory(
        *("--gc-every", "0.1s", "--gc-grace", grace), *bucket, database=database, migrate=False
    )
    storage = (*(("--database", database) if database else ()), *bucket)
    stop, count = tmp_path / "stop", 0 if soak else 8
    journals = [tmp_path / f"journal-{number}" for number in range(PUSHERS)]
    pushers = [
        start_worker(
            "push_and_delete", server, f"model-{number}", tmp_path / f"pusher-{number}", journal, count, stop
        )
        for number, journal in enumerate(journals)
    ]
    ends = time.monotonic() + SECONDS_OF_SOAK
    killed = 0
    while any(pusher.running for pusher in pushers):
        if database:
            # Another process collects as well, and is killed at whatever it is doing.
            collector = processes.start(
                *(sys.executable, "-m", "muniment_server", "gc", "--delete", "--grace", grace),
                *("--data", str(server.data), *storage),
                name="gc",
            )
            time.sleep(1.0 + 0.1 * (killed % 7))
            killed += collector.running
            collector.kill9()
        else:
            time.sleep(0.1)
        if soak and time.monotonic() > ends:
            stop.touch()
    for pusher in pushers:
        assert pusher.wait() == 0, pusher.stderr
    kept = [
        (f"model-{number}@{line['kept']}", line["digest"])
        for number, journal in enumerate(journals)
        for line in read_journal(journal)
    ]
    assert len(kept) >= (4 * PUSHERS if not soak else 1)
    with registry_of(server) as registry:
        for number, (selector, digest) in enumerate(kept):
            target = tmp_path / "pulled" / str(number)
            registry.pull(selector, target)
            assert registry.show(selector).digest == digest
    check_storage(server, *storage)

    assert "collection gave back" in server.stderr
    moved = sum(map(int, re.findall(r"bytes of (\d+) archived manifests went", server.stderr)))
    print(
        f"\n{len(kept)} versions kept and pulled; moved to the cold tier: {moved}; collectors killed: {killed}"
    )
