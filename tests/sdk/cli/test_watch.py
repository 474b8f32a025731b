"""`muniment watch` on a real server: each event at once, an end without noise."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.processes import ProcessRunner, RunningProcess
from harness.server import ServerProcess
from muniment import connect

Watch = Callable[..., RunningProcess]


@pytest.fixture
def watch(processes: ProcessRunner, shared_server: ServerProcess, program_path: Path) -> Watch:
    """Starts `muniment watch`. Unbuffered output of the interpreter would hide a missing flush."""

    def start(*arguments: str) -> RunningProcess:
        known = {"MUNIMENT_TARGET": shared_server.address, "MUNIMENT_TOKEN": shared_server.token}
        return processes.start(program_path, "watch", *arguments, env={**known, "PYTHONUNBUFFERED": ""})

    return start


def test_events_are_printed_when_they_happen_until_ctrl_c(
    watch: Watch, done: Callable[..., str], weights: Path
) -> None:
    watching = watch("--after", "0", "--model", "watched", "--json")
    watching.wait_for_stderr("Model watched does not exist yet: waiting for it")
    done("push", "watched", weights, "--quiet")
    watching.wait_for_line(r'"type": "version\.created"')
    done("promote", "watched@1", "--to", "staging", "--reason", "now")
    watching.wait_for_line(r'"type": "stage\.promoted"')
    watching.signal(signal.SIGINT)
    assert watching.wait() == 130
    assert watching.stderr == "Model watched does not exist yet: waiting for it.\n"
    events = [json.loads(line) for line in watching.lines]
    assert {event["model"] for event in events} == {"projects/default/models/watched"}
    revisions = [int(event["revision"]) for event in events]
    assert revisions == sorted(set(revisions))
    assert (events[-1]["stage"], events[-1]["number"], events[-1]["reason"]) == ("staging", "1", "now")


def test_a_type_that_no_entry_has_is_told(watch: Watch) -> None:
    watching = watch("--type", "stage.promoted", "--type", "stage.demoted")
    told = watching.wait_for_stderr(r"(?m)^This program knows no entries of (type \S+); there are .*$")
    assert told.group(1) == "type stage.demoted"
    watching.signal(signal.SIGTERM)
    assert watching.wait() == 128 + signal.SIGTERM


def test_a_stage_that_the_project_does_not_have_is_told(watch: Watch) -> None:
    for arguments in ((), ("--model", "default/unborn", "--project", "elsewhere")):
        watching = watch("--stage", "nowhere", *arguments)
        watching.wait_for_stderr(
            r"(?m)^Project default has no stage nowhere; there are staging, production\.$"
        )
        if arguments:
            watching.wait_for_stderr("Model default/unborn does not exist yet: waiting for it")
        watching.signal(signal.SIGTERM)
        assert watching.wait() == 128 + signal.SIGTERM


def test_a_stage_that_the_project_has_is_waited_for_without_a_word(
    watch: Watch, done: Callable[..., str], weights: Path
) -> None:
    watching = watch("--after", "0", "--stage", "staging", "--model", "quiet", "--json")
    watching.wait_for_stderr("Model quiet does not exist yet")
    done("push", "quiet", weights, "--quiet")
    done("promote", "quiet@1", "--to", "staging")
    watching.wait_for_line(r"stage\.promoted")
    watching.signal(signal.SIGINT)
    assert watching.wait() == 130
    assert watching.stderr == "Model quiet does not exist yet: waiting for it.\n"


def test_events_are_filtered_and_followed_from_a_revision(
    watch: Watch, done: Callable[..., str], shared_server: ServerProcess, weights: Path
) -> None:
    done("push", "filtered", weights, "--quiet")
    done("promote", "filtered@1", "--to", "staging")
    with connect(shared_server.address, token=shared_server.token) as registry:
        seen = registry.stage("filtered", "staging").head_revision
    done("promote", "filtered@1", "--to", "production", "--reason", "go")
    watching = watch("--after", str(seen), "--stage", "production", "--type", "stage.*")
    line = watching.wait_for_line(r"stage\.promoted").string
    assert watching.lines[0].split() == [
        "REVISION",
        "TIME",
        "TYPE",
        "MODEL",
        "VERSION",
        "STAGE",
        "BY",
        "REASON",
    ]
    assert int(line.split()[0]) > seen
    assert line.endswith("go")
    assert len(watching.lines) == 2
    watching.signal(signal.SIGINT)
    assert watching.wait() == 130


def test_watching_goes_on_when_the_server_was_away(
    processes: ProcessRunner,
    server: ServerProcess,
    program_path: Path,
    muniment: Callable[..., object],
    weights: Path,
) -> None:
    known = {"MUNIMENT_TARGET": server.address, "MUNIMENT_TOKEN": server.token}
    muniment("push", "away", weights, env=known)
    watching = processes.start(program_path, "watch", "--after", "0", "--json", env=known)
    watching.wait_for_line(r"version\.created")
    server.restart()
    muniment("promote", "away@1", "--to", "production", env=known)
    watching.wait_for_line(r"stage\.promoted")
    watching.signal(signal.SIGINT)
    assert watching.wait() == 130
    revisions = [int(json.loads(line)["revision"]) for line in watching.lines]
    assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
