"""One prediction: the exact bytes in which it was sent, and what the registry reads in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError
from muniment.v1 import prediction_pb2
from muniment_core.domain.errors import DigestMismatch, InvalidField, LimitExceeded
from muniment_core.rpc.convert import time

MAX_ID = 128
MAX_PAYLOAD_BYTES = 64 * 1024
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """A checked prediction.

    Attributes:
        data: the bytes that are hashed, a serialized ``Prediction``.
        version: resource name of the version that made it, as it was sent.
        time: by the recorder's clock.
    """

    data: bytes
    id: str
    version: str
    time: datetime

    @property
    def id_hash(self) -> int:
        """What the index finds it by."""
        return id_hash(self.id)


def id_hash(prediction_id: str) -> int:
    """The first eight bytes of the id's sha256, as a signed integer."""
    return int.from_bytes(hashlib.sha256(prediction_id.encode()).digest()[:8], signed=True)


def read_record(data: bytes, field: str) -> PredictionRecord:
    """Check one sent prediction.

    Args:
        data: a serialized ``Prediction``.
        field: how errors call it, for example ``predictions[3]``.

    Raises:
        InvalidField: if it is no prediction, or a field of it is missing or wrong.
        LimitExceeded: if its id, input or output is too long.
        DigestMismatch: if a payload does not have the digest that was sent for it.
    """
    try:
        message = prediction_pb2.Prediction.FromString(data)
    except DecodeError:
        raise InvalidField(field, "is not a serialized Prediction") from None
    if not message.id or not message.id.isprintable():
        raise InvalidField(f"{field}.id", "is required, and must be printable")
    if len(message.id) > MAX_ID:
        raise LimitExceeded(f"{field}.id", MAX_ID, len(message.id))
    if not message.version:
        raise InvalidField(f"{field}.version", "is required")
    if not message.HasField("time"):
        raise InvalidField(f"{field}.time", "is required")
    _check_payload(f"{field}.input", message.input_digest, message.input)
    _check_payload(f"{field}.output", message.output_digest, message.output)
    return PredictionRecord(data, message.id, message.version, time(f"{field}.time", message.time))


def _check_payload(field: str, digest: bytes, payload: bytes) -> None:
    if len(digest) != _DIGEST_BYTES:
        raise InvalidField(f"{field}_digest", f"has {len(digest)} bytes, while a sha256 has {_DIGEST_BYTES}")
    if not payload:
        return
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise LimitExceeded(field, MAX_PAYLOAD_BYTES, len(payload))
    actual = hashlib.sha256(payload).digest()
    if actual != digest:
        raise DigestMismatch(declared=f"sha256:{digest.hex()}", actual=f"sha256:{actual.hex()}")
