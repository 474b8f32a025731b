"""The demo, run as a newcomer runs it."""

from __future__ import annotations

import os
import re
import signal
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

# Several Pythons that each import what trains models: minutes, where others compute beside them.
pytestmark = pytest.mark.timeout(900)

DEADLINE = 300.0
"""Seconds for all of the demo; its own waits are shorter, and say which step it was."""


@pytest.fixture
def demo(processes, repository, tmp_path):
    """Starts the demo in an empty folder."""
    folder = tmp_path / "home-of-demo"
    folder.mkdir()

    def start(**env: str):
        return processes.start(
            sys.executable, repository / "deploy/demo/demo.py", cwd=folder, env=env, name="demo"
        )

    start.folder = folder
    return start


def left_running(folder: Path) -> list[psutil.Process]:
    """Processes that were started with the demo's folder as working directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def test_the_demo_tells_its_story_twice_and_leaves_its_data(demo):
    for _ in range(2):
        process = demo()
        assert process.wait(deadline=DEADLINE) == 0, process.stderr
        told = "\n".join(process.lines)
        assert ", 0 failed" in told
        assert "a writer does not move production" in told
        assert "muniment --target file:demo-data/registry models" in told
        traced = told[told.index("muniment --target file:demo-data/registry trace") :]
        assert re.search(r"datasets +.*sha256:[0-9a-f]{64}", traced)
        assert re.search(r"Prediction \S+ is proven$", told, re.MULTILINE)
        assert left_running(demo.folder) == []
    (activate,) = (line.split()[-1] for line in process.lines if line.strip().startswith("$ . "))
    assert (demo.folder / activate).is_file()
    assert (demo.folder / "demo-data/registry/muniment.db").is_file()
    assert (demo.folder / "demo-data/deployment/current/model.joblib").is_file()


def test_kept_it_leaves_server_and_deployer_running_and_says_how_to_stop_them(demo):
    try:
        process = demo(KEEP="1")
        assert process.wait(deadline=DEADLINE) == 0, process.stderr
        address = process.wait_for_line(r"endpoint on http://(\S+)/predict").group(1)
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=60) as response:
            assert response.status == 200
        again = demo()
        assert again.wait(deadline=DEADLINE) == 1
        assert "stop it first" in again.stderr
        kept = left_running(demo.folder)
        for pid in process.wait_for_line(r"stop them:  kill (\d+) (\d+)").groups():
            os.kill(int(pid), signal.SIGTERM)
        assert psutil.wait_procs(kept, timeout=DEADLINE)[1] == []
    finally:
        for left in left_running(demo.folder):
            left.kill()


def test_interrupted_it_ends_what_it_started(demo):
    process = demo()
    process.wait_for_line("answering on", deadline=DEADLINE)
    process.signal(signal.SIGTERM)
    assert process.wait(deadline=DEADLINE) == 128 + signal.SIGTERM
    assert left_running(demo.folder) == []


def test_a_folder_that_is_not_its_own_is_not_replaced(demo):
    (demo.folder / "demo-data").mkdir()
    (demo.folder / "demo-data/thesis.txt").write_text("three years of work")
    process = demo()
    assert process.wait(deadline=DEADLINE) == 1
    assert "is not from this demo" in process.stderr
    assert (demo.folder / "demo-data/thesis.txt").exists()
