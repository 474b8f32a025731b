"""The demo, run as a newcomer runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

# Several Pythons that each import what trains models: minutes, where others compute beside them.
pytestmark = pytest.mark.timeout(900)

MODEL = "BreastCancerScreen"
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


def output_of(told: str, command: str) -> list[list[str]]:
    """Cells of the table that a command of the demo printed, without its titles."""
    (shown,) = re.findall(
        rf"^    \$ muniment --target file:demo-data/registry {command}.*\n((?:      .*\n)+)",
        told,
        re.MULTILINE,
    )
    return [re.split(r"  +", line.strip()) for line in shown.splitlines()[1:]]


def explore(told: str, folder: Path) -> str:
    """What the commands print that the demo names last, typed as they stand there."""
    _, _, last = told.partition("look around with:\n")
    commands = re.findall(r"^    \$ (.+)$", last, re.MULTILINE)
    assert [command.split()[3] for command in commands[1:]] == ["models", "versions", "show", "pull"]
    done = subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=folder,
        # Nothing but the line that activates the environment tells where the command is.
        env={**os.environ, "PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_demo_tells_its_story_twice_and_leaves_its_data(demo):
    for _ in range(2):
        process = demo()
        assert process.wait(deadline=DEADLINE) == 0, process.stderr
        told = "\n".join(process.lines)
        assert ", 0 failed" in told
        assert "a writer does not move production" in told
        switches = re.findall(r"^ +request +(\d+): version (\d) answers from here on$", told, re.MULTILINE)
        assert [version for _, version in switches] == ["1", "2", "1"]
        assert (moments := [int(moment) for moment, _ in switches]) == sorted(moments)
        assert [row[2:] for row in output_of(told, f"history {MODEL} --stage production")] == [
            ["production", "rollback", "1 (was 2)", "release-manager", "to show how"],
            ["production", "promotion", "2 (was 1)", "release-manager", "better on held-out rows"],
            ["production", "promotion", "1", "release-manager", "first model, reviewed"],
        ]
        ledger = output_of(told, "audit log")
        assert [row[2:5] for row in ledger if row[2].startswith(("version.", "stage."))] == [
            ["version.created", MODEL, "1"],
            ["stage.promoted", MODEL, "1"],
            ["version.created", MODEL, "2"],
            ["stage.promoted", MODEL, "2 (was 1)"],
            ["stage.rolled_back", MODEL, "1 (was 2)"],
        ]
        revisions = [int(row[0]) for row in ledger]
        assert revisions == sorted(set(revisions))
        traced = told[told.index("muniment --target file:demo-data/registry trace") :]
        assert re.search(r"datasets +.*sha256:[0-9a-f]{64}", traced)
        assert re.search(r"Prediction \S+ is proven$", told, re.MULTILINE)
        assert left_running(demo.folder) == []
    explored = explore(told, demo.folder)
    assert re.search(rf"^{MODEL} +2 +production=1 ", explored, re.MULTILINE)
    assert re.search(r"^ +stages +production$", explored, re.MULTILINE)
    assert f"Fetched {MODEL}@2 into " in explored
    assert (demo.folder / "demo-data/pulled/model.joblib").is_file()
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
