"""The HTTP endpoint over real worker processes."""

from __future__ import annotations

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import psutil
import pytest
from muniment_deployer.endpoint import MAX_CONCURRENT
from muniment_deployer.errors import DeployerError, DeploymentFailed
from muniment_deployer.http_server import HttpServer

ROWS = {"rows": [[0.0, 0.0], [2.0, 2.0]]}


def predict(client: httpx.Client, first: float = 0.0) -> httpx.Response:
    return client.post("/predict", json={"rows": [[first, 0.0]]})


def workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # one of another test, which ends in this moment
            if "muniment_deployer.worker" in child.cmdline():
                found.append(child)
    return found


def test_a_scikit_learn_model_answers_with_its_version_and_digest(client, deploy, make_version):
    # Here, for it takes longer to import than all else of the tests: each process that collects them would.
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0, 0], [0, 1], [2, 2], [3, 2]], ["stays", "stays", "leaves", "leaves"])
    version = make_version(3, model, self_test=b'{"rows": [[0, 0]], "predictions": ["stays"]}')
    deploy(version)

    response = client.post("/predict", json=ROWS)

    assert response.status_code == 200
    assert response.json() == {
        "predictions": ["stays", "leaves"],
        "model": "churn",
        "version": 3,
        "digest": version.digest,
    }
    assert client.get("/healthz").json() == {"status": "ok"}
    told = client.get("/version").json()
    assert (told["model"], told["stage"], told["version"]) == ("churn", "production", 3)
    assert told["worker_pid"] != os.getpid()


def test_before_the_first_deployment_it_says_so(client):
    for response in (predict(client), client.get("/healthz"), client.get("/version")):
        assert response.status_code == 503
        assert response.json() == {"error": "no version is deployed yet"}


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"not json", 400, "the body is not JSON"),
        (b'{"rows": [[1, 2, 3]]}', 400, "each row has 3 values, while the model takes 2"),
        (b'{"rows": [' + b"[1,2]," * 1000 + b"[1,2]]}", 400, "1001 rows are too many"),
        (b'{"rows": [[' + b"0.0," * 300_000 + b"1]]}", 413, "over the limit of 1048576 bytes"),
        (b'{"rows": [[7, 0]]}', 500, "the model failed on these rows: ValueError: seven is not for me"),
    ],
)
def test_bad_input_is_refused_with_a_sentence_and_the_next_request_is_answered(
    client, deploy, make_version, odd_models, body, status, sentence
):
    deploy(make_version(1, odd_models.Fragile(5)))
    response = client.post("/predict", content=body)
    assert response.status_code == status
    assert sentence in response.json()["error"]
    assert predict(client).json()["predictions"] == [5]


def test_a_body_without_a_declared_length_is_bounded_too(client, deploy, make_version, odd_models):
    deploy(make_version(1, odd_models.Constant(5)))
    response = client.post("/predict", content=(b" " * 65_536 for _ in range(17)))
    assert response.status_code == 413


def test_other_paths_and_methods_are_refused_in_json(client):
    assert client.get("/predict").status_code == 405
    missing = client.get("/admin")
    assert missing.status_code == 404
    assert "POST /predict" in missing.json()["error"]


def test_a_killed_worker_is_restarted_and_requests_meanwhile_get_503_with_a_sentence(
    client, deploy, make_version, odd_models, tmp_path, eventually
):
    closed = tmp_path / "closed"
    deploy(make_version(1, odd_models.SlowToLoad(5, str(closed))))
    first = client.get("/version").json()["worker_pid"]
    closed.touch()
    os.kill(first, signal.SIGKILL)

    seen: list[httpx.Response] = []

    def answered_with(status: int) -> bool:
        seen.append(predict(client))
        return seen[-1].status_code == status

    eventually(lambda: answered_with(503))
    eventually(lambda: client.get("/healthz").status_code == 503)
    assert answered_with(503)
    closed.unlink()
    eventually(lambda: answered_with(200))
    for response in seen[:-1]:
        assert response.status_code == 503
        assert "is being restarted: ask again" in response.json()["error"]
        assert response.headers["retry-after"] == "1"
    second = client.get("/version").json()["worker_pid"]
    assert second not in (None, first)
    assert [process.pid for process in workers()] == [second]


def test_a_request_that_kills_its_worker_gets_503_and_others_are_answered_again(
    client, deploy, make_version, odd_models, eventually
):
    deploy(make_version(1, odd_models.Fragile(5)))
    assert predict(client, first=9.0).status_code == 503
    eventually(lambda: predict(client).status_code == 200)


def test_a_swap_under_load_loses_no_request(endpoint, client, deploy, make_version, odd_models, eventually):
    versions = [make_version(number, odd_models.Constant(number)) for number in range(1, 5)]
    deploy(versions[0])
    stop = threading.Event()
    answers: list[list[tuple[int, object, object]]] = [[] for _ in range(4)]

    def ask(mine: list[tuple[int, object, object]]) -> None:
        with httpx.Client(base_url=f"http://{endpoint.address}", timeout=60, trust_env=False) as own:
            is_last = False
            while not is_last:
                # The last one is asked when the last version has taken over.
                is_last = stop.is_set()
                response = predict(own)
                body = response.json()
                mine.append((response.status_code, body.get("version"), body.get("predictions")))

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, each) for each in answers]
        try:
            eventually(lambda: all(answers))
            for version in versions[1:]:
                deploy(version)
                assert predict(client).json()["version"] == version.number
        finally:
            stop.set()
        for future in asking:
            future.result()

    for each in answers:
        assert {status for status, _, _ in each} == {200}
        assert all(predictions == [version] for _, version, predictions in each)
        numbers = [version for _, version, _ in each]
        assert numbers == sorted(numbers)
        assert (numbers[0], numbers[-1]) == (1, 4)


def test_the_old_worker_finishes_what_is_in_flight_and_ends(
    client, deploy, make_version, odd_models, tmp_path, eventually
):
    gate = tmp_path / "gate"
    deploy(make_version(1, odd_models.Gated("old", str(gate))))
    old = client.get("/version").json()["worker_pid"]
    with ThreadPoolExecutor(1) as pool:
        in_flight = pool.submit(predict, client, 1.0)
        eventually((tmp_path / "gate.waiting").exists)
        deploy(make_version(2, odd_models.Constant("new")))
        assert predict(client).json()["predictions"] == ["new"]
        assert psutil.pid_exists(old)
        gate.touch()
        answer = in_flight.result().json()
    assert (answer["predictions"], answer["version"]) == (["old"], 1)
    eventually(lambda: not psutil.pid_exists(old))


def test_a_version_that_fails_its_self_test_never_answers(client, endpoint, deploy, make_version, odd_models):
    deploy(make_version(1, odd_models.Constant(1)))
    wrong = make_version(2, odd_models.Constant(2), self_test=b'{"rows": [[0, 0]], "predictions": [3]}')
    with pytest.raises(DeploymentFailed, match=r"it predicts \[2\], while \[3\] was recorded"):
        endpoint.prepare(wrong)
    assert predict(client).json()["version"] == 1
    assert len(workers()) == 1


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("Bomb", "the worker ended with exit code 7 while it loaded the model"),
        ("NotAModel", "holds a NotAModel, which has no predict method"),
    ],
)
def test_a_file_that_is_no_model_fails_in_the_worker_alone(
    client, endpoint, deploy, make_version, odd_models, model, sentence
):
    deploy(make_version(1, odd_models.Constant(1)))
    with pytest.raises(DeploymentFailed, match=sentence):
        endpoint.prepare(make_version(2, getattr(odd_models, model)()))
    assert predict(client).json()["version"] == 1


def test_a_version_without_a_model_file_or_with_a_broken_one_is_refused(endpoint, make_version, odd_models):
    version = make_version(1, odd_models.Constant(1))
    (version.path / "model.joblib").write_bytes(b"no pickle")
    with pytest.raises(DeploymentFailed, match=r"model\.joblib cannot be loaded"):
        endpoint.prepare(version)
    (version.path / "model.joblib").unlink()
    with pytest.raises(DeploymentFailed, match=r"the version has no file model\.joblib"):
        endpoint.prepare(version)
    assert workers() == []


def test_more_requests_than_it_takes_are_refused_at_once(
    endpoint, client, deploy, make_version, odd_models, tmp_path, eventually
):
    gate = tmp_path / "gate"
    deploy(make_version(1, odd_models.Gated(1, str(gate))))
    # One client for all: making one loads certificates, and 64 of them would take longer than the worker waits.
    many = httpx.Client(
        base_url=f"http://{endpoint.address}",
        timeout=60,
        trust_env=False,
        limits=httpx.Limits(max_connections=None),
    )
    with many, ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        try:
            waiting = [
                pool.submit(many.post, "/predict", json={"rows": [[1, 0]]}) for _ in range(MAX_CONCURRENT)
            ]
            asked: list[httpx.Response] = []
            eventually(lambda: asked.append(predict_quickly(client)) or asked[-1].status_code == 503)
        finally:
            gate.touch()
        statuses = {future.result().status_code for future in waiting}
    assert "64 predictions are under way already" in asked[-1].json()["error"]
    assert statuses <= {200, 503}


def predict_quickly(client: httpx.Client) -> httpx.Response:
    """Asks without rows: refused as busy or as bad, and never waiting for the model."""
    return client.post("/predict", json={"rows": []})


def test_stopping_ends_the_worker_and_the_listener(make_version, odd_models):
    server = HttpServer("127.0.0.1", 0, model="churn", stage="production")
    server.start()
    server.prepare(make_version(1, odd_models.Constant(1))).take_over()
    host, _, port = server.address.rpartition(":")
    server.stop()
    assert workers() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_an_address_in_use_is_told(endpoint):
    host, _, port = endpoint.address.rpartition(":")
    with pytest.raises(DeployerError, match=f"cannot listen on {endpoint.address}"):
        HttpServer(host, int(port), model="churn", stage="production")


def test_an_answer_that_is_recorded_has_its_id_in_a_header_and_is_recorded_byte_for_byte(
    odd_models, make_version
):
    recorded = []

    class Recording:
        def record(self, number, asked, answered):
            recorded.append((number, asked, answered))
            return "p-1" if len(recorded) == 1 else None

        def close(self):
            recorded.append("closed")

    server = HttpServer("127.0.0.1", 0, model="churn", stage="production", recording=Recording())
    server.start()
    try:
        server.prepare(make_version(4, odd_models.Constant("yes"))).take_over()
        with httpx.Client(base_url=f"http://{server.address}", timeout=60, trust_env=False) as client:
            body = b'{"rows": [[0,  1]]}'
            first, second = client.post("/predict", content=body), client.post("/predict", content=body)
            assert client.post("/predict", content=b"{}").status_code == 400
    finally:
        server.stop()
    assert recorded == [(4, body, first.content), (4, body, second.content), "closed"]
    assert first.headers["muniment-prediction"] == "p-1"
    assert "muniment-prediction" not in second.headers
