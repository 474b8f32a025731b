"""From a prediction to what made it, and the receipt that proves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from harness.api import Api, refused
from harness.server import ServerProcess
from muniment.ledger import InvalidEvidence
from muniment.ledger.keys import PublicKey
from muniment.ledger.receipt import ProvenPrediction, verify_receipt
from muniment.v1 import catalog_pb2, metadata_service_pb2, promotion_service_pb2
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1.prediction_pb2 import Prediction

Make = Callable[..., Prediction]
Record = Callable[..., list[pb.RecordPredictionsResponse]]


def promote(api: Api, version: str, stage: str, reason: str = "") -> datetime:
    """Promotes a version and returns a moment after that."""
    api.promotion.RequestPromotion(
        promotion_service_pb2.RequestPromotionRequest(version=version, stage=stage, reason=reason)
    )
    return datetime.now(UTC)


def trace(api: Api, name: str) -> pb.PredictionTrace:
    return api.ledger.TracePrediction(pb.TracePredictionRequest(parent=api.parent(), prediction_id=name))


@pytest.fixture
def prove(registry: ServerProcess) -> Callable[[Api, str], tuple[bytes, ProvenPrediction]]:
    """A receipt and what it proves, with the key that the log of the server names as its own."""

    def receipt(api: Api, name: str) -> tuple[bytes, ProvenPrediction]:
        content = api.ledger.GetReceipt(pb.GetReceiptRequest(parent=api.parent(), prediction_id=name)).content
        return content, verify_receipt(content, [public_key(registry)])

    return receipt


def public_key(registry: ServerProcess) -> PublicKey:
    (line,) = [line for line in registry.stderr.splitlines() if "its key is " in line]
    return PublicKey.parse(line.rpartition("its key is ")[2])


def test_a_prediction_is_traced_to_its_version_data_and_promotions(
    api: Api, version: catalog_pb2.Version, make: Make, record: Record
) -> None:
    before = datetime.now(UTC)
    promote(api, version.name, "staging", "try it")
    moment = promote(api, version.name, "production", "better")
    second = api.new_version("churn")
    later = promote(api, second.name, "production")
    record(api, [make("early", time=before - timedelta(hours=1)), make("then", time=moment)])
    record(api, [make("late", time=later), make("of-second", time=later, version=second.name)])
    found = trace(api, "then")
    assert found.prediction == make("then", time=moment)
    assert (found.version.name, found.version.datasets[0].name) == (version.name, "clients")
    assert list(found.stages) == ["production", "staging"]
    assert [(entry.type, entry.stage, entry.reason) for entry in found.stage_entries] == [
        ("stage.promoted", "staging", "try it"),
        ("stage.promoted", "production", "better"),
    ]
    assert (found.batch.count, found.same_id_count) == (2, 0)
    assert list(trace(api, "late").stages) == ["staging"]
    assert list(trace(api, "of-second").stages) == ["production"]
    early = trace(api, "early")
    assert (list(early.stages), list(early.stage_entries)) == ([], [])


def test_of_predictions_with_one_id_the_first_is_traced_and_others_counted(
    api: Api, version: catalog_pb2.Version, make: Make, record: Record
) -> None:
    first = make("twice")
    record(api, [first])
    record(api, [make("twice", input_digest=bytes(32)), make("twice", input_digest=b"x" * 32)])
    found = trace(api, "twice")
    assert (found.prediction, found.same_id_count) == (first, 2)


def test_an_id_is_looked_for_in_its_project_alone(
    api: Api, admin: Api, version: catalog_pb2.Version, make: Make, record: Record
) -> None:
    record(api, [make("mine")])
    other = admin.new_project()
    request = pb.TracePredictionRequest(parent=f"projects/{other}", prediction_id="mine")
    assert refused(api.ledger.TracePrediction, request).reason == "PREDICTION_NOT_FOUND"
    for method, kind in (
        (api.ledger.TracePrediction, pb.TracePredictionRequest),
        (api.ledger.GetReceipt, pb.GetReceiptRequest),
    ):
        why = refused(method, kind(parent=api.parent(), prediction_id="minee"))
        assert (why.code, why.reason) == (StatusCode.NOT_FOUND, "PREDICTION_NOT_FOUND")
        why = refused(method, kind(parent=api.parent()))
        assert (why.reason, why.facts["field"]) == ("INVALID_FIELD", "prediction_id")


def test_a_deleted_version_still_answers_for_its_predictions(
    api: Api, version: catalog_pb2.Version, make: Make, record: Record, prove: Any
) -> None:
    record(api, [make("orphan")])
    api.metadata.DeleteVersion(metadata_service_pb2.DeleteVersionRequest(name=version.name))
    api.metadata.DeleteModel(metadata_service_pb2.DeleteModelRequest(name=f"{api.parent()}/models/churn"))
    assert trace(api, "orphan").version.state == catalog_pb2.VERSION_STATE_DELETED
    assert prove(api, "orphan")[1].prediction.id == "orphan"


def test_a_receipt_proves_what_the_trace_says_with_the_public_key_alone(
    api: Api, version: catalog_pb2.Version, make: Make, record: Record, prove: Any
) -> None:
    moment = promote(api, version.name, "production", "better")
    record(api, [make(f"p-{number}", time=moment) for number in range(7)])
    for number in (0, 6):
        content, proven = prove(api, f"p-{number}")
        assert proven.prediction == make(f"p-{number}", time=moment)
        assert proven.created.version == version.name
        assert proven.created.digest == version.digest
        assert proven.frozen["datasets"][0]["name"] == "clients"
        assert proven.frozen["params"] == {"depth": 0.1}
        assert proven.manifest["layers"][0]["annotations"]["org.cncf.model.filepath"] == "model.bin"
        assert proven.labels == {"description": "", "tags": {"team": "risk"}}
        assert [(move.stage, move.reason) for move in proven.stages] == [("production", "better")]
        assert proven.batch_size == 7
        for position in range(0, len(content), 101):
            changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
            with pytest.raises(InvalidEvidence):
                verify_receipt(changed, [proven.key])


def test_a_receipt_shows_labels_as_they_are_now_and_what_set_them(
    api: Api, version: catalog_pb2.Version, make: Make, record: Record, prove: Any
) -> None:
    record(api, [make("labelled")])
    changed = catalog_pb2.Version(description="größer", tags={"a": "b"})
    api.metadata.UpdateVersion(
        metadata_service_pb2.UpdateVersionRequest(
            name=version.name, version=changed, update_mask=FieldMask(paths=["description", "tags"])
        )
    )
    assert prove(api, "labelled")[1].labels == {"description": "größer", "tags": {"a": "b"}}
    api.metadata.DeleteVersion(metadata_service_pb2.DeleteVersionRequest(name=version.name))
    assert prove(api, "labelled")[1].labels == {"description": "größer", "tags": {"a": "b"}}


def test_a_receipt_tells_no_parent_its_caller_may_not_read(
    api: Api, admin: Api, make: Make, record: Record, registry: ServerProcess
) -> None:
    secret = admin.new_project()
    api.new_model("base", secret)
    parent = api.new_version("base", project=secret)
    child = api.new_version("churn", parents=[catalog_pb2.Parent(version=parent.name)])
    record(api, [make("of-child", version=child.name)])
    asked = pb.GetReceiptRequest(parent=api.parent(), prediction_id="of-child")
    with api.as_caller(api.new_token("reader", principal="looker-on")) as reader:
        content = reader.ledger.GetReceipt(asked).content
    assert secret.encode() not in content
    assert verify_receipt(content, [public_key(registry)]).frozen is None
    frozen = verify_receipt(api.ledger.GetReceipt(asked).content, [public_key(registry)]).frozen
    assert frozen == {"parents": [{"version": parent.name, "relation": "derived"}]}
