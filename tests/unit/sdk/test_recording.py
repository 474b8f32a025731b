"""What a recorder does without a registry: taking, bounding, packing, numbering, giving up."""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime
from typing import Any

import pytest
from muniment.digests import Digest
from muniment.errors import BufferFull, InvalidArgument, PermissionDenied, RegistryClosed
from muniment.ledger.canonical import NotCanonical
from muniment.names import VersionName
from muniment.predictions.buffer import MESSAGE_RECORDS, Buffer
from muniment.predictions.outbox import Outbox
from muniment.predictions.packing import MAX_MESSAGE_BYTES, Packer
from muniment.predictions.payload import digest_and_content, take
from muniment.predictions.recorder import PredictionRecorder
from muniment.v1.prediction_pb2 import Prediction

VERSION = VersionName("default", "churn", 7)


def unreachable() -> Any:
    raise AssertionError("nothing is sent in these tests")


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (b"bytes", b"bytes"),
        (bytearray(b"bytes"), b"bytes"),
        (memoryview(b"bytes"), b"bytes"),
        ("größe", "größe".encode()),
        ({"b": [1, 2.0, None], "a": True}, b'{"a":true,"b":[1,2,null]}'),
        ([0.1, 1e-7], b"[0.1,1e-7]"),
        ((1, "x"), b'[1,"x"]'),
        (0.5, b"0.5"),
        (None, b"null"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_payload_is_digested_as_its_bytes_text_or_canonical_json(value: object, content: bytes) -> None:
    digest = hashlib.sha256(content).digest()
    assert digest_and_content(take(value, "input"), 100) == (digest, content)
    assert digest_and_content(take(value, "input"), len(content) - 1) == (digest, b"")


def test_a_digest_stands_for_what_is_not_shown() -> None:
    digest = Digest.of(b"secret")
    assert digest_and_content(take(digest, "input"), 100) == (digest.raw, b"")


def test_what_is_changed_after_it_was_recorded_stays_recorded_as_it_was() -> None:
    row: dict[str, Any] = {"values": [1, 2]}
    taken = take(row, "input")
    row["values"].append(3)
    assert digest_and_content(taken, 100)[1] == b'{"values":[1,2]}'


class Array:
    """As arrays of other libraries: its bytes can be had, and mean nothing."""

    def __buffer__(self, _flags: int) -> memoryview:
        return memoryview(b"\0\1")


@pytest.mark.parametrize(
    "value", [object(), Array(), {"a": object()}], ids=lambda value: type(value).__name__
)
def test_what_json_does_not_have_is_refused_at_once(value: object) -> None:
    with pytest.raises(InvalidArgument, match="input holds what JSON does not have"):
        take(value, "input")


@pytest.mark.parametrize(
    "value", [[float("nan")], {1: 2}, [b"x"], [2**60], "\ud800"], ids=lambda value: type(value).__name__
)
def test_what_turns_out_to_have_no_canonical_form_is_refused_later(value: object) -> None:
    with pytest.raises(NotCanonical):
        digest_and_content(take(value, "input"), 0)


def test_without_room_a_recorder_drops_and_counts() -> None:
    buffer = Buffer(2, "drop")
    for _ in range(5):
        buffer.put(("id", 0, b"", b""))
    assert (buffer.counts.recorded, buffer.counts.dropped) == (2, 3)
    buffer.acknowledge(1)
    buffer.put(("id", 0, b"", b""))
    assert (buffer.counts.recorded, buffer.counts.acknowledged, buffer.counts.dropped) == (3, 1, 3)


def test_without_room_a_recorder_raises() -> None:
    buffer = Buffer(1, "raise")
    buffer.put(("id", 0, b"", b""))
    with pytest.raises(BufferFull, match="1 predictions wait"):
        buffer.put(("id", 0, b"", b""))


def test_without_room_a_recorder_waits_until_there_is_some() -> None:
    buffer = Buffer(1, "wait")
    buffer.put(("first", 0, b"", b""))
    waiting = threading.Thread(target=buffer.put, args=(("second", 0, b"", b""),))
    waiting.start()
    assert [raw[0] for raw in buffer.take()] == ["first"]
    assert buffer.counts.recorded == 1
    buffer.acknowledge(1)
    waiting.join(60)
    assert [raw[0] for raw in buffer.take()] == ["second"]


def test_who_waits_for_room_is_told_when_there_will_never_be_any() -> None:
    buffer = Buffer(1, "wait")
    buffer.put(("first", 0, b"", b""))
    told: list[BaseException] = []

    def put() -> None:
        try:
            buffer.put(("second", 0, b"", b""))
        except PermissionDenied as error:
            told.append(error)

    waiting = threading.Thread(target=put)
    waiting.start()
    buffer.fail(PermissionDenied("no", "PERMISSION_DENIED", {"permission": "PREDICTION_RECORD"}))
    waiting.join(60)
    assert told
    with pytest.raises(PermissionDenied) as caught:
        buffer.flush(1)
    assert caught.value.metadata == {"permission": "PREDICTION_RECORD"}
    assert buffer.counts.dropped == 1


def test_a_prediction_that_cannot_be_sent_is_told_once_and_the_others_go_on() -> None:
    buffer, outbox = Buffer(10, "wait"), Outbox("projects/default")
    packer = Packer(buffer, outbox, VERSION.text, keep_payload=False)
    buffer.put(("id", 0, take([float("nan")], "input"), b""))
    assert not list(packer._packed(buffer.take()))
    for payload in (b"good", b"good too"):
        buffer.put(("next", 0, payload, b""))
    buffer.close()
    packer.run()
    (message,) = outbox.feed()
    assert len(message.predictions) == 2, "what comes after it is taken"
    buffer.acknowledge(2)
    with pytest.raises(InvalidArgument, match="'id' is not recorded"):
        buffer.flush(1)
    assert buffer.flush(1)
    with pytest.raises(RegistryClosed):
        buffer.put(("next", 0, b"", b""))
    assert buffer.counts.dropped == 1


def test_messages_are_bounded_in_number_and_bytes() -> None:
    buffer, outbox = Buffer(10**6, "wait"), Outbox("projects/default")
    for number in range(MESSAGE_RECORDS + 1):
        buffer.put((f"small-{number}", 0, b"", b""))
    for number in range(40):
        buffer.put((f"large-{number}", 1, bytes(60_000), b""))
    buffer.close()
    Packer(buffer, outbox, VERSION.text, keep_payload=True).run()
    messages = list(outbox.feed())
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
    assert (messages[0].parent, messages[1].parent) == ("projects/default", "")
    sizes = [sum(map(len, message.predictions)) for message in messages]
    assert max(sizes) <= MAX_MESSAGE_BYTES
    records = [Prediction.FromString(one) for message in messages for one in message.predictions]
    assert [one.id for one in records][:2] == ["small-0", "small-1"]
    assert len(records) == MESSAGE_RECORDS + 41
    assert all(one.HasField("time") and one.version == VERSION.text for one in records)


def test_a_new_call_repeats_what_was_not_acknowledged_and_a_new_sender_begins_at_one() -> None:
    outbox = Outbox("projects/default")
    for payload in (b"a", b"b", b"c"):
        outbox.add([payload, payload])
    outbox.close()
    first = list(outbox.feed())
    assert outbox.acknowledge(1) == 2
    second = list(outbox.feed())
    assert [message.sequence for message in second] == [2, 3]
    assert second[0].sender == first[0].sender
    outbox.begin_anew()
    third = list(outbox.feed())
    assert [message.sequence for message in third] == [1, 2]
    assert third[0].sender != first[0].sender
    assert [list(message.predictions) for message in third] == [[b"b", b"b"], [b"c", b"c"]]
    assert outbox.acknowledge(9) == 4
    assert not outbox.wait()


def test_a_call_that_is_over_sends_nothing_more() -> None:
    outbox = Outbox("projects/default")
    outbox.add([b"a"])
    feed = outbox.feed()
    messages = iter(feed)
    assert next(messages).sequence == 1
    outbox.add([b"b"])
    outbox.end(feed)
    assert list(messages) == []


def test_arguments_are_checked_where_they_are_given() -> None:
    with pytest.raises(InvalidArgument, match="policy"):
        PredictionRecorder(VERSION, unreachable, policy="hope")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="capacity"):
        PredictionRecorder(VERSION, unreachable, capacity=0)
    recorder = PredictionRecorder(VERSION, unreachable)
    for wrong in ("", "x" * 129, "a\nb"):
        with pytest.raises(InvalidArgument, match="prediction id"):
            recorder.record(wrong, input=b"", output=b"")
    with pytest.raises(InvalidArgument, match="no time zone"):
        recorder.record(input=b"", output=b"", time=datetime(2026, 11, 23))
    assert recorder.recorded == 0
    recorder.close()
    recorder.close()
    with pytest.raises(RegistryClosed):
        recorder.record(input=b"", output=b"")
