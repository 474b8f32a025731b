"""Recording, tracing and proving predictions with the SDK, over a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import muniment
import pytest
from harness.processes import DEADLINE
from harness.server import ServerProcess
from muniment import errors
from muniment.digests import Digest
from muniment.ledger.keys import PublicKey
from muniment.ledger.receipt import verify_receipt


@pytest.fixture
def version(registry: muniment.Registry, model_dir: Path) -> muniment.Version:
    """A version in production, trained on a data set."""
    pushed = registry.push(
        "churn", model_dir, datasets=[muniment.Dataset("clients", digest=f"sha256:{'d' * 64}")]
    )
    registry.promote(pushed, to="production")
    return pushed


def test_what_was_recorded_is_traced_listed_counted_and_proven(
    registry: muniment.Registry,
    version: muniment.Version,
    shared_server: ServerProcess,
    public_key: Callable[[ServerProcess], str],
    tmp_path: Path,
) -> None:
    before = datetime.now(UTC)
    with registry.predictions("churn@production", keep_payload=True) as recorder:
        assert recorder.version == version.name
        ids = [recorder.record(input={"row": number}, output=number / 7) for number in range(5)]
        named = recorder.record(
            "named", input=Digest.of(b"x"), output="yes", time=before - timedelta(days=400)
        )
        recorder.flush()
        assert (recorder.recorded, recorder.acknowledged, recorder.dropped) == (6, 6, 0)
    assert len(set(ids)) == 5
    traced = registry.trace(ids[3])
    assert traced.version.name == version.name
    assert traced.version.datasets[0].name == "clients"
    assert (traced.stages, traced.stage_events[0].type) == (("production",), "stage.promoted")
    assert (traced.prediction.input, traced.prediction.output) == (b'{"row":3}', b"0.42857142857142855")
    assert traced.prediction.input_digest == Digest.of(b'{"row":3}').text
    assert registry.trace(named).prediction.input == b""
    assert [one.id for one in registry.list_predictions("churn@1")] == [named, *ids]
    assert [one.id for one in registry.list_predictions(version, start=before)] == ids
    dataset = f"sha256:{'d' * 64}"
    assert registry.count_predictions(dataset_digest=dataset).count == 6
    assert registry.count_predictions("churn@production", end=before).count == 1
    receipt = registry.receipt(ids[0])
    receipt.save(tmp_path / "receipt.json")
    key = PublicKey.parse(public_key(shared_server))
    proven = verify_receipt((tmp_path / "receipt.json").read_bytes(), [key])
    assert proven.prediction == registry.trace(ids[0]).prediction.message
    with pytest.raises(errors.PredictionNotFound):
        registry.trace("nobody's")
    with pytest.raises(errors.InvalidArgument):
        registry.count_predictions()


def test_a_receipt_is_verified_where_there_is_no_network(
    registry: muniment.Registry,
    version: muniment.Version,
    shared_server: ServerProcess,
    public_key: Callable[[ServerProcess], str],
    tmp_path: Path,
) -> None:
    with registry.predictions("churn@1") as recorder:
        prediction = recorder.record(input=b"asked", output=b"answered")
    good, bad, key = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "key.pub"
    registry.receipt(prediction).save(good)
    bad.write_bytes(good.read_bytes().replace(b"churn", b"chunr", 1))
    key.write_text(public_key(shared_server) + "\n")
    # A network namespace of its own, where there is not even a loopback; else no socket can be made.
    isolated = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    without = [sys.executable, "-c", _WITHOUT_SOCKETS]
    command = ["unshare", "-rn", sys.executable, "-m", "muniment.cli"] if isolated else without

    def verify(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "verify", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    found = verify(good, "--key", key)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(f"Prediction {prediction} is proven\n")
    for told in (version.digest, "promoted to production by admin", "clients", key.read_text().strip()):
        assert told in found.stdout
    found = verify(bad, "--key", public_key(shared_server))
    assert (found.returncode, found.stdout) == (1, "")
    assert f"Error: {bad} proves nothing: " in found.stderr
    assert verify(good, "--key", "nothing").returncode == 2


_WITHOUT_SOCKETS = """
import socket, sys
def refuse(*_): raise OSError("there is no network")
socket.socket.__init__ = refuse
from muniment.cli import main
main()
"""


def test_a_caller_without_the_role_is_told_by_the_next_call(
    registry: muniment.Registry, version: muniment.Version, shared_server: ServerProcess, project: str
) -> None:
    token = registry.create_token("looker-on", roles=["reader"])
    with muniment.connect(shared_server.address, token=token.secret, project=project) as reader:
        recorder = reader.predictions("churn@1")
        recorder.record(input=b"", output=b"")
        for _ in range(2):
            with pytest.raises(errors.PermissionDenied):
                recorder.flush()
        with pytest.raises(errors.PermissionDenied):
            recorder.record(input=b"", output=b"")
        assert (recorder.acknowledged, recorder.dropped) == (0, 1)
        with pytest.raises(errors.PermissionDenied):
            recorder.close()
    with registry.predictions("churn@99") as recorder:
        recorder.record(input=b"", output=b"")
        with pytest.raises(errors.VersionNotFound):
            recorder.close()


def test_predictions_wait_for_a_server_that_is_away_and_none_is_kept_twice(
    registry: muniment.Registry, server: ServerProcess, model_dir: Path
) -> None:
    registry.push("churn", model_dir)
    with registry.predictions("churn@1") as recorder:
        for number in range(2):
            recorder.record(f"{number}-up", input=b"", output=b"")
            if number % 2:
                server.stop()
            else:
                recorder.flush()
                server.kill9()
            recorder.record(f"{number}-away", input=b"", output=b"")
            with pytest.raises(errors.DeadlineExceeded, match="not acknowledged"):
                recorder.flush(0.2)
            server.restart()
        recorder.flush(DEADLINE)
        assert (recorder.acknowledged, recorder.dropped) == (4, 0)
    found = sorted(one.id for one in registry.list_predictions("churn@1"))
    assert found == sorted(f"{number}-{when}" for number in range(2) for when in ("up", "away"))


def run_apart(program: str, server: ServerProcess, project: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "MUNIMENT_TARGET": server.address,
            "MUNIMENT_TOKEN": server.token,
            "MUNIMENT_PROJECT": project,
        },
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_a_recorder_that_is_let_go_loses_nothing(
    registry: muniment.Registry, version: muniment.Version, shared_server: ServerProcess, project: str
) -> None:
    done = run_apart(_LETTING_GO, shared_server, project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = sorted(one.id for one in registry.list_predictions("churn@1"))
    assert found == ["0", "1", "2"]


_LETTING_GO = """
import gc, muniment
registry = muniment.connect()
for number in range(3):
    registry.predictions("churn@1").record(str(number), input=b"", output=b"")
    gc.collect()
"""


def test_closing_a_registry_closes_all_recorders_and_tells_what_was_wrong_with_one(
    version: muniment.Version, shared_server: ServerProcess, project: str
) -> None:
    registry = muniment.connect(shared_server.address, token=shared_server.token, project=project)
    recorders = [registry.predictions("churn@1") for _ in range(3)]
    for recorder in recorders:
        recorder.record("bad", input=[float("nan")], output=b"")
    with pytest.raises(errors.InvalidArgument, match="'bad' is not recorded"):
        registry.close()
    for recorder in recorders:
        with pytest.raises(errors.RegistryClosed):
            recorder.record(input=b"", output=b"")


def test_the_end_of_a_process_and_its_children_lose_nothing(
    registry: muniment.Registry, version: muniment.Version, shared_server: ServerProcess, project: str
) -> None:
    done = run_apart(_FORKING, shared_server, project)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "child kept 1\n"
    found = sorted(one.id for one in registry.list_predictions("churn@1"))
    assert found == ["in-child", "of-parent", "waiting-at-fork"]


_FORKING = """
import os, sys, muniment
recorder = muniment.connect().predictions("churn@1")
recorder.record("of-parent", input=b"", output=b"")
recorder.flush()
recorder.record("waiting-at-fork", input=b"", output=b"")
child = os.fork()
if not child:
    recorder.record("in-child", input=b"", output=b"")
    recorder.flush()
    print("child kept", recorder.acknowledged, flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))  # and what waits is flushed at exit
"""
