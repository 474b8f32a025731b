"""From what was recorded to messages: digests are made and predictions serialized, in one background thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from muniment.errors import InvalidArgument
from muniment.ledger.canonical import NotCanonical
from muniment.predictions.buffer import Buffer, Raw
from muniment.predictions.outbox import Outbox
from muniment.predictions.payload import digest_and_content
from muniment.v1 import prediction_pb2

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 900 * 1024
"""Servers take a MiB; the rest is for what surrounds predictions."""

_SECOND = 1_000_000_000


class Packer:
    """Packs the predictions of one version."""

    def __init__(self, buffer: Buffer, outbox: Outbox, version: str, *, keep_payload: bool) -> None:
        self._buffer = buffer
        self._outbox = outbox
        self._version = version
        self._limit = MAX_PAYLOAD_BYTES if keep_payload else 0

    def run(self) -> None:
        """Pack until the buffer is closed and empty."""
        while raw := self._buffer.take():
            for message in _messages(self._packed(raw)):
                self._outbox.add(message)
        self._outbox.close()

    def _packed(self, raw: Iterable[Raw]) -> Iterator[bytes]:
        for prediction_id, time, input_taken, output_taken in raw:
            try:
                input_digest, input_content = digest_and_content(input_taken, self._limit)
                output_digest, output_content = digest_and_content(output_taken, self._limit)
            except NotCanonical as error:
                self._buffer.give_up(
                    InvalidArgument(f"prediction {prediction_id!r} is not recorded: a payload {error}")
                )
                continue
            message = prediction_pb2.Prediction(
                id=prediction_id,
                version=self._version,
                input_digest=input_digest,
                output_digest=output_digest,
                input=input_content,
                output=output_content,
            )
            stamp = message.time
            stamp.seconds, stamp.nanos = divmod(time, _SECOND)
            # Zero, which 1970 began with, would otherwise be left out altogether.
            stamp.SetInParent()
            yield message.SerializeToString()


def _messages(packed: Iterator[bytes]) -> Iterator[list[bytes]]:
    message: list[bytes] = []
    size = 0
    for prediction in packed:
        if message and size + len(prediction) > MAX_MESSAGE_BYTES:
            yield message
            message, size = [], 0
        message.append(prediction)
        size += len(prediction) + 4
    if message:
        yield message
