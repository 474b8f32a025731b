"""`kill -9` of the very first start of a server: the next one makes good what is missing."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness.api import Api
from harness.processes import DEADLINE, ProcessRunner
from harness.server import ServerFactory, ServerProcess


def _has_token(data: Path) -> bool:
    return _rows(data, "SELECT 1 FROM tokens") > 0


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "the database file is there": lambda data: (data / "muniment.db").exists(),
    "the file of the signing key is there": lambda data: (data / "signing-key.pem").exists(),
    "the file of the token is there": lambda data: (data / "admin-token").exists(),
    "the row of the token is there": _has_token,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_first_start_that_was_killed_as_soon_as(
    moment: str,
    processes: ProcessRunner,
    server_factory: ServerFactory,
    connect: Callable[[ServerProcess], Api],
    check_ledger: Callable[[Api], list[Any]],
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    process = processes.start(
        *(sys.executable, "-m", "muniment_server", "serve", "--data", str(data), "--listen", "127.0.0.1:0"),
        name="first-start",
    )
    end = time.monotonic() + DEADLINE
    while not MOMENTS[moment](data):
        assert process.running, process.stderr
        assert time.monotonic() < end
    process.kill9()

    server = server_factory(data=data)
    api = connect(server)
    api.new_model("churn")
    # A token whose secret was lost with its server may be in the ledger before the one that works.
    types = [entry.type for entry in check_ledger(api)]
    assert types[-2:] == ["project.created", "model.created"]
    assert types[0] == "log.key_added"
    assert set(types[1:-2]) == {"token.created"}


def _rows(data: Path, query: str) -> int:
    if not (data / "muniment.db").exists():
        return 0
    try:
        # Read-only and without a wait: the server must not notice.
        address = f"file:{data / 'muniment.db'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
            return len(connection.execute(query).fetchall())
    except sqlite3.OperationalError:
        return 0
