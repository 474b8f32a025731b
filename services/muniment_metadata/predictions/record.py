"""Predictions as they are sent: checked, and read for what the index needs to know of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from muniment.v1 import prediction_pb2
from muniment_core.domain.errors import DigestMismatch, InvalidField, LimitExceeded
from muniment_core.domain.prediction import MICROSECONDS_OF_HOUR, Share

MAX_ID = 128
MAX_PAYLOAD_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 1024 * 1024
_sha256 = hashlib.sha256
_DIGEST_BYTES = 32
_FIRST_SECOND = -62_135_596_800
_LAST_SECOND = 253_402_300_799
"""The years 1 to 9999, as https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp bounds them."""

Prediction = prediction_pb2.Prediction


@dataclass(frozen=True, slots=True)
class CheckedPredictions:
    """The predictions of one message, in columns: twenty thousand a second are no place for objects.

    Attributes:
        records: the exact bytes in which each was sent.
        leaves: the RFC 6962 leaf hash of each.
        id_hashes: what the index finds each by.
        shares: how many were made when, by resource name of the version and hour since 1970.
        byte_count: size of the records.
    """

    records: Sequence[bytes]
    leaves: Sequence[bytes]
    id_hashes: Sequence[int]
    shares: dict[tuple[str, int], Share]
    byte_count: int

    @property
    def versions(self) -> set[str]:
        """Resource names of the versions that made them."""
        return {version for version, _hour in self.shares}


def id_hash(prediction_id: str) -> int:
    """The first eight bytes of the id's sha256, as a signed integer."""
    return int.from_bytes(hashlib.sha256(prediction_id.encode()).digest()[:8], signed=True)


def check_predictions(records: Sequence[bytes]) -> CheckedPredictions:
    """Check serialized predictions.

    Raises:
        InvalidField: if one is no prediction, or a field of it is missing or wrong.
        LimitExceeded: if an id, input or output is too long.
        DigestMismatch: if a payload does not have the digest that was sent for it.
    """
    byte_count = sum(map(len, records))
    if byte_count > MAX_MESSAGE_BYTES:
        raise LimitExceeded("predictions", MAX_MESSAGE_BYTES, byte_count)
    shares: dict[tuple[str, int], Share] = {}
    id_hashes = []
    for position, data in enumerate(records):
        try:
            message = Prediction.FromString(data)
        except DecodeError:
            raise InvalidField(_field(position), "is not a serialized Prediction") from None
        prediction_id, version, stamp = message.id, message.version, message.time
        if not 0 < len(prediction_id) <= MAX_ID or not prediction_id.isprintable():
            raise _wrong_id(_field(position, "id"), prediction_id)
        if not version:
            raise InvalidField(_field(position, "version"), "is required")
        _check_payload(position, "input", message.input_digest, message.input)
        _check_payload(position, "output", message.output_digest, message.output)
        seconds, nanos = stamp.seconds, stamp.nanos
        if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < 1_000_000_000):
            raise InvalidField(_field(position, "time"), "is not a time between the years 1 and 9999")
        if not (seconds or message.HasField("time")):
            raise InvalidField(_field(position, "time"), "is required")
        id_hashes.append(int.from_bytes(_sha256(prediction_id.encode()).digest()[:8], signed=True))
        time = seconds * 1_000_000 + nanos // 1000
        key = (version, time // MICROSECONDS_OF_HOUR)
        share = shares.get(key)
        if share is None:
            shares[key] = Share(1, time, time)
        else:
            share.add(time)
    leaves = [_sha256(b"\0" + data).digest() for data in records]
    return CheckedPredictions(records, leaves, id_hashes, shares, byte_count)


def nanoseconds(message: Prediction) -> int:
    """When a prediction was made, since 1970."""
    return int(message.time.seconds) * 1_000_000_000 + int(message.time.nanos)


def _field(position: int, name: str = "") -> str:
    return f"predictions[{position}]" + (f".{name}" if name else "")


def _wrong_id(field: str, prediction_id: str) -> Exception:
    if len(prediction_id) > MAX_ID:
        return LimitExceeded(field, MAX_ID, len(prediction_id))
    return InvalidField(field, "is required, and must be printable")


def _check_payload(position: int, name: str, digest: bytes, payload: bytes) -> None:
    if len(digest) != _DIGEST_BYTES:
        raise InvalidField(
            _field(position, f"{name}_digest"),
            f"has {len(digest)} bytes, while a sha256 has {_DIGEST_BYTES}",
        )
    if not payload:
        return
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise LimitExceeded(_field(position, name), MAX_PAYLOAD_BYTES, len(payload))
    actual = hashlib.sha256(payload).digest()
    if actual != digest:
        raise DigestMismatch(
            declared=f"sha256:{digest.hex()}",
            actual=f"sha256:{actual.hex()}",
            what=f"digest of {_field(position, name)}",
        )
