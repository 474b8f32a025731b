"""The real deployer against a real registry; both are killed and neither loses anything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import joblib
import muniment
import psutil
import pytest

MODEL = "churn"
PROGRAM = Path(sys.executable).parent / "muniment-deployer"


class Deployer:
    """A deployer process with an endpoint, that can be killed and started again."""

    def __init__(self, processes, server, token, into, *options: str) -> None:
        self.into = into
        self._processes, self._server, self._token, self._options = processes, server, token, options
        self.start()

    def start(self) -> None:
        self.process = self._processes.start(
            *(PROGRAM, "--model", MODEL, "--stage", "production", "--into", self.into),
            *("--serve", "127.0.0.1:0", "--target", self._server.address, *self._options),
            env={"MUNIMENT_TOKEN": self._token},
        )
        self.address = self.process.wait_for_line(r"^answering on (\S+)$").group(1)

    def predict(self) -> tuple[int, int | None]:
        """(status, version) of one prediction."""
        response = httpx.post(
            f"http://{self.address}/predict", json={"rows": [[0, 0]]}, timeout=60, trust_env=False
        )
        return response.status_code, response.json().get("version")


@pytest.fixture
def registry(server) -> Iterator[muniment.Registry]:
    with muniment.connect(server.address, token=server.token) as registry:
        yield registry


@pytest.fixture
def push(registry, odd_models, tmp_path) -> Callable[[], muniment.Version]:
    """Pushes a model that predicts the number of its version."""
    count = 0

    def push() -> muniment.Version:
        nonlocal count
        count += 1
        folder = tmp_path / f"model-{count}"
        folder.mkdir()
        joblib.dump(odd_models.Constant(count), folder / "model.joblib")
        return registry.push(MODEL, folder)

    return push


@pytest.fixture
def deployer(processes, server, registry, tmp_path) -> Deployer:
    token = registry.create_token("deployer", roles=["controller"], project="default").secret
    return Deployer(processes, server, token, tmp_path / "deployment", "--name", "edge-1")


def reported(registry) -> tuple[int, str] | None:
    """(number, state) of the newest report of the deployer."""
    for deployment in registry.deployments(MODEL):
        assert deployment.target == "edge-1"
        return deployment.number, state_name(deployment.state)
    return None


def state_name(state: object) -> str:
    return str(getattr(state, "name", state)).removeprefix("DEPLOYMENT_STATE_")


def test_it_follows_promotions_and_rollbacks_and_reports_what_runs(registry, push, deployer, eventually):
    assert deployer.predict() == (503, None)
    one = push()
    registry.promote(one, to="production")
    eventually(lambda: deployer.predict() == (200, 1))
    registry.promote(push(), to="production", expected_current=1)
    eventually(lambda: deployer.predict() == (200, 2))
    eventually(lambda: reported(registry) == (2, "RUNNING"))
    registry.rollback(MODEL, stage="production")
    eventually(lambda: deployer.predict() == (200, 1))
    eventually(lambda: reported(registry) == (1, "RUNNING"))
    assert (deployer.into / "current").resolve().name == f"1-{one.digest[7:19]}"
    assert deployer.process.terminate() == 0


def test_a_version_that_cannot_run_is_reported_with_its_reason(
    registry, push, deployer, eventually, tmp_path
):
    registry.promote(push(), to="production")
    eventually(lambda: deployer.predict() == (200, 1))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "weights.bin").write_bytes(b"no model")
    registry.promote(registry.push(MODEL, broken), to="production")
    eventually(lambda: reported(registry) == (2, "FAILED"))
    (deployment,) = registry.deployments(MODEL)
    assert "the version has no file model.joblib" in deployment.status_message
    assert deployer.predict() == (200, 1)


def test_killed_at_any_moment_it_ends_up_with_what_is_current(registry, push, deployer, eventually):
    for number in range(1, 7):
        version = push()
        if number % 2:  # killed while it acts on the event, or not there when it comes
            registry.promote(version, to="production")
            if number > 1:
                deployer.process.wait_for_stderr(f"promoted to version {number}")
            deployer.process.kill9()
        else:
            deployer.process.kill9()
            registry.promote(version, to="production")
        deployer.start()
        eventually(lambda number=number: deployer.predict() == (200, number))
        eventually(lambda number=number: reported(registry) == (number, "RUNNING"))


def test_a_killed_deployer_leaves_no_worker_behind(registry, push, deployer, eventually):
    registry.promote(push(), to="production")
    eventually(lambda: deployer.predict() == (200, 1))
    told = httpx.get(f"http://{deployer.address}/version", timeout=60, trust_env=False).json()
    worker = psutil.Process(told["worker_pid"])
    deployer.process.kill9()
    eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_the_endpoint_outlives_the_registry_and_follows_it_again(
    server, registry, push, deployer, eventually
):
    registry.promote(push(), to="production")
    eventually(lambda: deployer.predict() == (200, 1))
    eventually(lambda: reported(registry) == (1, "RUNNING"))
    two = push()
    for number in (2, 1):
        server.kill9()
        assert deployer.predict()[0] == 200
        server.restart()
        if number == 2:
            registry.promote(two, to="production")
        else:
            registry.rollback(MODEL, stage="production")
        eventually(lambda number=number: deployer.predict() == (200, number))
    eventually(lambda: reported(registry) == (1, "RUNNING"))


def test_restarted_while_the_registry_is_dead_it_serves_from_disk_and_catches_up_later(
    server, registry, push, deployer, eventually
):
    registry.promote(push(), to="production")
    eventually(lambda: deployer.predict() == (200, 1))
    two = push()
    server.kill9()
    deployer.process.kill9()
    deployer.start()
    eventually(lambda: deployer.predict() == (200, 1))
    server.restart()
    registry.promote(two, to="production")
    eventually(lambda: deployer.predict() == (200, 2))
    eventually(lambda: reported(registry) == (2, "RUNNING"))


def test_two_deployers_do_not_share_a_directory(processes, server, deployer):
    second = processes.start(PROGRAM, "--model", MODEL, "--into", deployer.into, "--target", server.address)
    assert second.wait() == 1
    assert "another deployer works in" in second.stderr


def test_without_an_endpoint_it_keeps_a_directory(processes, server, registry, push, eventually, tmp_path):
    into = tmp_path / "files"
    version = push()
    registry.promote(version, to="production")
    process = processes.start(
        *(PROGRAM, "--model", MODEL, "--into", into, "--target", server.address),
        env={"MUNIMENT_TOKEN": server.token},
    )
    eventually((into / "current/model.joblib").is_file)
    process.wait_for_stderr("version 1 runs")
    assert process.terminate() == 0


def test_a_token_that_is_not_valid_ends_it_with_a_sentence(processes, server, tmp_path):
    process = processes.start(
        *(PROGRAM, "--model", MODEL, "--into", tmp_path / "files", "--target", server.address),
        env={"MUNIMENT_TOKEN": "mun_wrong"},
    )
    assert process.wait() == 1
    assert "Error: " in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize("exists", [False, True], ids=["no model yet", "a model"])
def test_a_stage_that_the_project_does_not_have_ends_it_with_a_sentence(
    processes, server, push, tmp_path, exists
):
    if exists:
        push()
    process = processes.start(
        *(PROGRAM, "--model", MODEL, "--stage", "nowhere", "--into", tmp_path / "files"),
        *("--target", server.address),
        env={"MUNIMENT_TOKEN": server.token},
    )
    assert process.wait() == 1
    assert (
        "stage 'nowhere' does not exist: the stages of this project are staging, production."
        in process.stderr
    )
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        (("--model", "../x"), 1, "model '../x' is not valid"),
        (("--model", MODEL, "--stage", "7"), 1, "stage '7' is not valid"),
        (("--model", MODEL, "--name", "a/b"), 1, "deployment 'a/b' is not valid"),
        (("--model", MODEL, "--serve", "8000"), 2, "'8000' is not HOST:PORT"),
        (("--model", MODEL, "--serve", "127.0.0.1:99999"), 2, "is not HOST:PORT"),
        ((), 2, "Missing option '--model'"),
    ],
)
def test_names_no_registry_has_end_it_with_1_and_wrong_usage_with_2(
    processes, tmp_path, options, status, sentence
):
    process = processes.start(PROGRAM, "--into", tmp_path / "files", *options)
    assert process.wait() == status
    assert sentence in process.stderr
    assert not (tmp_path / "files").exists()
