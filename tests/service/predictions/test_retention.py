"""Retention: bodies go, roots and entries stay, and what was proven stays proven."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from harness.api import Api, refused
from harness.processes import ProcessRunner
from harness.server import ServerFactory, ServerProcess
from muniment.ledger.keys import PublicKey
from muniment.ledger.receipt import verify_receipt
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1.prediction_pb2 import Prediction


@pytest.fixture
def own_server(server_factory: ServerFactory) -> ServerProcess:
    """A server of the test's own: retention knows no projects."""
    return server_factory("--prediction-days", "1")


@pytest.fixture
def own_api(own_server: ServerProcess) -> Iterator[Api]:
    with Api(own_server.address, own_server.token) as api:
        yield api


@pytest.fixture
def expire(processes: ProcessRunner, own_server: ServerProcess) -> Callable[..., str]:
    """Runs `muniment-server predictions expire` on the registry; what it says."""

    def run(*arguments: str) -> str:
        command = (sys.executable, "-m", "muniment_server", "predictions", "expire", *arguments)
        process = processes.start(*command, "--data", str(own_server.data), name="expire")
        assert process.wait() == 0, process.stderr
        return "\n".join(process.lines)

    return run


def bodies(server: ServerProcess) -> list[Path]:
    return [path for path in (server.data / "predictions/cas/sha256").rglob("*") if path.is_file()]


def test_what_was_dropped_is_told_counted_and_still_proven(
    own_server: ServerProcess,
    own_api: Api,
    expire: Callable[..., str],
    record: Any,
) -> None:
    api = own_api
    api.new_model("churn")
    version = api.new_version("churn").name

    def made(name: str) -> Prediction:
        prediction = Prediction(id=name, version=version, input_digest=bytes(32), output_digest=bytes(32))
        prediction.time.GetCurrentTime()
        return prediction

    record(api, [made("old-1"), made("old-2")])
    record(api, [made("old-3")])
    asked = pb.GetReceiptRequest(parent=api.parent(), prediction_id="old-1")
    receipt = api.ledger.GetReceipt(asked).content
    (line,) = [line for line in own_server.stderr.splitlines() if "its key is " in line]
    key = PublicKey.parse(line.rpartition("its key is ")[2])
    before = verify_receipt(receipt, [key])
    assert len(bodies(own_server)) == 2

    # The server itself keeps for a day what it was told to keep for a day.
    own_server.restart()
    assert len(bodies(own_server)) == 2
    own_server.stop()
    assert expire("--older-than", "0") == "dropped 2 batches of predictions"
    assert expire("--older-than", "0") == "dropped 0 batches of predictions"
    assert bodies(own_server) == []
    own_server.restart()

    for call, request in (
        (api.ledger.TracePrediction, pb.TracePredictionRequest(parent=api.parent(), prediction_id="old-3")),
        (api.ledger.GetReceipt, asked),
    ):
        why = refused(call, request)
        assert (why.code, why.reason) == (StatusCode.FAILED_PRECONDITION, "PREDICTION_EXPIRED")
    assert why.facts["revision"] == str(before.sealed.revision)
    record(api, [made("new")])
    count = api.ledger.CountPredictions(pb.CountPredictionsRequest(parent=api.parent(), version=version))
    assert (count.count, count.expired_count) == (4, 3)
    listed = api.ledger.ListPredictions(pb.ListPredictionsRequest(parent=api.parent(), version=version))
    assert [one.id for one in listed.predictions] == ["new"]
    request = pb.ListEntriesRequest(parent=api.parent(), filter=pb.EntryFilter(types=["predictions.expired"]))
    (entry,) = api.ledger.ListEntries(request).entries
    assert len(json.loads(entry.body)["data"]["batches"]) == 2
    assert entry.actor == "system"
    assert verify_receipt(receipt, [key]) == before
