"""What RecordPredictions takes in, acknowledges and refuses, and what it leaves in the ledger."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from grpc import RpcError, StatusCode
from harness.api import Api, refusal, refused
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1 import metadata_service_pb2
from muniment.v1.prediction_pb2 import Prediction

Make = Callable[..., Prediction]
TRIES = 10
"""Messages that come within a second are bound together; on a busy machine some may come later than that."""
Record = Callable[..., list[pb.RecordPredictionsResponse]]


def count(api: Api, version: str) -> int:
    request = pb.CountPredictionsRequest(parent=api.parent(), version=version)
    return int(api.ledger.CountPredictions(request).count)


def sealed(api: Api) -> list[dict[str, Any]]:
    request = pb.ListEntriesRequest(parent=api.parent(), filter=pb.EntryFilter(types=["predictions.*"]))
    return [json.loads(entry.body) for entry in api.ledger.ListEntries(request).entries]


def test_messages_are_acknowledged_in_order_and_one_entry_binds_them(
    api: Api, version: Any, make: Make, record: Record
) -> None:
    tries, bound = 0, set[int]()
    while len(bound) != 1 and tries < TRIES:
        tries += 1
        first, second, third = make(), make(), make()
        acknowledged = record(api, [first, second], [third])
        assert [one.sequence for one in acknowledged] == [1, 2]
        bound = {one.revision for one in acknowledged}
    (entry,) = [entry for entry in sealed(api) if entry["revision"] in bound]
    assert entry["actor"] == "admin"
    data = entry["data"]
    assert data["count"] == 3
    assert data["versions"] == {version.name: 3}
    assert data["first_time"] == data["last_time"] == "2026-11-23T12:00:00.000000Z"
    leaves = [hashlib.sha256(b"\0" + one.SerializeToString()).digest() for one in (first, second, third)]
    pair = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert data["root"] == hashlib.sha256(b"\1" + pair + leaves[2]).hexdigest()
    assert count(api, version.name) == 3 * tries


def test_a_sender_that_repeats_itself_is_acknowledged_and_nothing_is_kept_twice(
    api: Api, version: Any, make: Make, record: Record
) -> None:
    messages = [[make()], [make(), make()]]
    sender = uuid.uuid4().hex
    first = record(api, *messages, sender=sender)
    assert [one.sequence for one in record(api, *messages, sender=sender)] == [1, 2]
    assert [one.sequence for one in record(api, messages[1], sender=sender, first=2)] == [2]
    more = record(api, messages[1], [make()], sender=sender, first=2)
    assert [one.sequence for one in more] == [2, 3]
    assert more[1].revision > first[1].revision
    assert count(api, version.name) == 4


def test_a_call_that_breaks_off_and_comes_again_at_once_doubles_nothing(
    api: Api, version: Any, make: Make, requests: Callable[..., Any]
) -> None:
    messages = requests(api, [[make()], [make()], [make()]])
    for _ in range(3):
        # Left before anything can be sealed: its messages wait, and meet their copies in one batch.
        call = api.ledger.RecordPredictions(iter(messages))
        call.cancel()
    acknowledged = list(api.ledger.RecordPredictions(iter(messages)))
    assert [one.sequence for one in acknowledged] == [1, 2, 3]
    assert count(api, version.name) == 3


def test_senders_of_different_principals_never_meet(
    api: Api, version: Any, make: Make, record: Record
) -> None:
    record(api, [make()], sender="same")
    with api.as_caller(api.new_token("controller", principal="edge")) as edge:
        assert len(record(edge, [make()], sender="same")) == 1
    assert count(api, version.name) == 2
    assert [entry["actor"] for entry in sealed(api)] == ["admin", "edge"]


def test_a_wrong_message_ends_the_call_after_those_before_it(
    api: Api, version: Any, make: Make, requests: Callable[..., Any]
) -> None:
    call = api.ledger.RecordPredictions(iter(requests(api, [[make()], [b"\xff"], [make()]])))
    assert next(call).sequence == 1
    with pytest.raises(RpcError) as caught:
        next(call)
    assert refusal(caught.value) == (
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        {"field": "predictions[0]"},
    )
    assert count(api, version.name) == 1


def test_a_gap_in_the_sequence_is_refused(
    api: Api, make: Make, requests: Callable[..., Any], record: Record
) -> None:
    why = refused(api.ledger.RecordPredictions, iter(requests(api, [[make()]], first=3)))
    assert why == (
        StatusCode.ABORTED,
        "SEQUENCE_BROKEN",
        {"field": "sequence", "expected": "1", "actual": "3"},
    )
    first, _, third = requests(api, [[make()], [make()], [make()]])
    why = refused(api.ledger.RecordPredictions, iter([first, third]))
    assert why.reason == "SEQUENCE_BROKEN"


BAD: dict[str, tuple[Callable[[Prediction], None], str, str]] = {
    "no id": (lambda one: one.ClearField("id"), "INVALID_FIELD", "predictions[0].id"),
    "a line break in the id": (lambda one: setattr(one, "id", "a\nb"), "INVALID_FIELD", "predictions[0].id"),
    "a long id": (lambda one: setattr(one, "id", "x" * 129), "LIMIT_EXCEEDED", "predictions[0].id"),
    "no version": (lambda one: one.ClearField("version"), "INVALID_FIELD", "predictions[0].version"),
    "a selector for a version": (
        lambda one: setattr(one, "version", "churn@1"),
        "INVALID_NAME",
        "predictions.version",
    ),
    "a version of another project": (
        lambda one: setattr(one, "version", "projects/default/models/churn/versions/1"),
        "INVALID_NAME",
        "predictions.version",
    ),
    "no time": (lambda one: one.ClearField("time"), "INVALID_FIELD", "predictions[0].time"),
    "the year 10000": (
        lambda one: setattr(one.time, "seconds", 253_402_300_800),
        "INVALID_FIELD",
        "predictions[0].time",
    ),
    "a short digest": (
        lambda one: setattr(one, "input_digest", b"1"),
        "INVALID_FIELD",
        "predictions[0].input_digest",
    ),
    "a large payload": (
        lambda one: setattr(one, "output", bytes(65_537)),
        "LIMIT_EXCEEDED",
        "predictions[0].output",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_prediction_that_breaks_a_rule_is_refused_with_its_field(
    api: Api, make: Make, requests: Callable[..., Any], what: str
) -> None:
    spoil, reason, field = BAD[what]
    one = make()
    spoil(one)
    why = refused(api.ledger.RecordPredictions, iter(requests(api, [[one]])))
    assert (why.code, why.reason, why.facts["field"]) == (StatusCode.INVALID_ARGUMENT, reason, field)


def test_a_payload_is_kept_and_must_have_its_digest(
    api: Api, make: Make, record: Record, requests: Callable[..., Any]
) -> None:
    one = make("kept", input=b"inkept")
    record(api, [one])
    trace = api.ledger.TracePrediction(pb.TracePredictionRequest(parent=api.parent(), prediction_id="kept"))
    assert trace.prediction == one
    why = refused(api.ledger.RecordPredictions, iter(requests(api, [[make("x", input=b"other")]])))
    assert why.reason == "DIGEST_MISMATCH"


def test_messages_are_bounded(api: Api, make: Make, requests: Callable[..., Any]) -> None:
    one = make()
    for predictions, reason in (([one] * 4_097, "LIMIT_EXCEEDED"), ([], "INVALID_FIELD")):
        why = refused(api.ledger.RecordPredictions, iter(requests(api, [predictions])))
        assert (why.reason, why.facts["field"]) == (reason, "predictions")
    payload = bytes(60_000)
    large = [make(input_digest=hashlib.sha256(payload).digest(), input=payload) for _ in range(20)]
    why = refused(api.ledger.RecordPredictions, iter(requests(api, [large])))
    assert why.facts["limit"] == str(1024 * 1024)
    request = requests(api, [[one]])[0]
    request.sender = "s" * 129
    assert refused(api.ledger.RecordPredictions, iter([request])).facts["field"] == "sender"
    request = requests(api, [[make(version=f"{api.parent()}/models/churn/versions/9")]])[0]
    assert refused(api.ledger.RecordPredictions, iter([request])).reason == "VERSION_NOT_FOUND"


def test_predictions_of_versions_that_are_gone_from_use_are_still_taken(
    api: Api, version: Any, make: Make, record: Record
) -> None:
    api.metadata.DeleteVersion(metadata_service_pb2.DeleteVersionRequest(name=version.name))
    assert len(record(api, [make("late")])) == 1
