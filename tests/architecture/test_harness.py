"""The harness itself: what every other test relies on."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from harness.leftovers import end_leftovers
from harness.processes import ProcessFailed, ProcessRunner
from harness.s3 import S3Server
from minio import Minio


def test_a_test_has_a_home_of_its_own(home: Path) -> None:
    assert Path.home() == home
    directories = [Path(value) for name, value in os.environ.items() if name.startswith("XDG_")]
    assert directories
    assert all(directory.is_relative_to(home) for directory in directories)
    assert not [name for name in os.environ if name.startswith("MUNIMENT_")]


def test_a_process_is_awaited_by_what_it_prints(processes: ProcessRunner) -> None:
    process = processes.start(sys.executable, "-c", "print('ready on 7'); import signal; signal.pause()")
    assert process.wait_for_line(r"ready on (\d+)").group(1) == "7"
    assert process.terminate() == -signal.SIGTERM


def test_a_process_that_ends_early_shows_its_stderr(processes: ProcessRunner) -> None:
    process = processes.start(sys.executable, "-c", "raise SystemExit('no disk')")
    with pytest.raises(ProcessFailed, match="no disk"):
        process.wait_for_line("ready")


def test_reaping_ends_what_a_process_started_too(tmp_path: Path) -> None:
    runner = ProcessRunner(tmp_path / "own")
    program = (
        "import signal, subprocess, sys;"
        "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        "print(p.pid); signal.pause()"
    )
    parent = runner.start(sys.executable, "-c", program)
    child = psutil.Process(int(parent.wait_for_line(r"^(\d+)$").group(1)))
    runner.reap()
    assert not parent.running
    child.wait(10)
    assert not child.is_running()


def test_a_process_left_behind_is_named_and_ended(processes: ProcessRunner, tmp_path: Path) -> None:
    process = processes.start(
        sys.executable, "-c", "import signal; print('up'); signal.pause()", tmp_path / "data"
    )
    process.wait_for_line("up")
    (left,) = end_leftovers(tmp_path, patience=0)
    assert left.startswith(f"{process.pid}: ")
    assert not psutil.pid_exists(process.pid)


def test_each_database_is_fresh(postgres_url: str, postgres_database: str) -> None:
    assert postgres_database != postgres_url
    with psycopg.connect(postgres_database) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row == (0,)


def test_the_s3_server_checks_keys_and_keeps_objects(s3_server: S3Server, s3_bucket: str) -> None:
    client = _client(s3_server)
    client.put_object(s3_bucket, "cas/a", io.BytesIO(b"bytes"), 5)
    assert (s3_server.root / s3_bucket / "cas/a").read_bytes() == b"bytes"
    assert [found.object_name for found in client.list_objects(s3_bucket, recursive=True)] == ["cas/a"]


def test_an_s3_server_can_be_killed_and_started_again(s3_factory: Callable[..., S3Server]) -> None:
    first = s3_factory()
    bucket = first.new_bucket()
    _client(first).put_object(bucket, "a", io.BytesIO(b"bytes"), 5)
    first.process.kill9()
    second = s3_factory(root=first.root, listen=first.endpoint)
    assert _client(second).stat_object(bucket, "a").size == 5


def _client(server: S3Server) -> Minio:
    return Minio(
        endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=server.secret_key,
        region=server.region,
        secure=server.secure,
    )
