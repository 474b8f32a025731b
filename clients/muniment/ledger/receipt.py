"""Receipts: one prediction, what made it, and the proof of all of it in one file, format ``muniment.receipt/v1``.

RFC 8785 canonical JSON, byte for byte; base64 is that of RFC 4648 section 4, hashes are sha256::

    checkpoint   the signed head of the ledger, a C2SP note with one signature
    format       "muniment.receipt/v1"
    keys         of each entry by which a key of the ledger handed over: entry, proof; absent if none did
    labels       value: description and tags; entry, proof: what set them, unless the version was created so
    prediction   record: a serialized muniment.v1.Prediction; index, proof: its place in its batch
    sealed       entry, proof: of type predictions.sealed, which binds the root of the batch
    stages       of each entry that brought the version into a stage before: entry, proof
    version      entry, proof: of type version.created; manifest: its files; record: what is frozen of it, unless
                 it names what whoever asked for the receipt may not read

Each ``entry`` is the JSON of a ledger entry, each ``proof`` the RFC 9162 inclusion proof of its bytes at the
checkpoint. Entries, records and manifests are canonical JSON themselves, so their bytes stand in the file as they
were hashed. Every byte is bound by the signature, by a hash that leads to it, or by the form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from google.protobuf.message import DecodeError

from muniment.ledger.canonical import NotCanonical, read, write
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.entry import VerifiableEntry
from muniment.ledger.evidence import InvalidEvidence, encode
from muniment.ledger.handover import ROTATED, handed_to
from muniment.ledger.keys import PublicKey
from muniment.ledger.members import Malformed, Members, members
from muniment.ledger.merkle import HASH_BYTES, InvalidProof, leaf_hash, verify_inclusion
from muniment.ledger.note import Note
from muniment.v1.prediction_pb2 import Prediction

FORMAT = "muniment.receipt/v1"
SEALED = "predictions.sealed"
CREATED = "version.created"
UPDATED = "version.updated"
STAGE_MOVES = ("stage.promoted", "stage.rolled_back")
MAX_RECEIPT_BYTES = 64 * 1024 * 1024

Json = Mapping[str, object]


class Contradiction(InvalidEvidence):
    """The parts of a receipt are sound and do not belong together."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry's JSON and its inclusion proof at the checkpoint, to be written."""

    entry: object
    hashes: Sequence[bytes]

    @property
    def json(self) -> dict[str, object]:
        return {"entry": self.entry, "proof": [encode(one) for one in self.hashes]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptParts:
    """What a receipt is made of.

    Attributes:
        record: the prediction's bytes, as the batch hashes them.
        path: inclusion proof of the record in its batch.
        frozen: what is frozen of the version; None: it is withheld.
        labels_entry: the entry that set the labels; None: the version was created with them.
        rotations: the entries by which keys of the ledger handed over, oldest first.
    """

    checkpoint: bytes
    record: bytes
    index: int
    path: Sequence[bytes]
    sealed: Proved
    created: Proved
    frozen: object
    manifest: object
    labels: object
    labels_entry: Proved | None
    stages: Sequence[Proved]
    rotations: Sequence[Proved] = ()

    def to_bytes(self) -> bytes:
        """The file. It is not verified: do so before it is given to anyone."""
        labels: dict[str, object] = {"value": self.labels}
        if self.labels_entry is not None:
            labels |= self.labels_entry.json
        version = self.created.json | {"manifest": self.manifest}
        if self.frozen is not None:
            version["record"] = self.frozen
        keys = {"keys": [proved.json for proved in self.rotations]} if self.rotations else {}
        return write(
            {
                **keys,
                "checkpoint": self.checkpoint.decode(),
                "format": FORMAT,
                "labels": labels,
                "prediction": {
                    "index": self.index,
                    "proof": [encode(one) for one in self.path],
                    "record": encode(self.record),
                },
                "sealed": self.sealed.json,
                "stages": [proved.json for proved in self.stages],
                "version": version,
            }
        )


@dataclass(frozen=True, slots=True)
class ProvenPrediction:
    """What a receipt proves.

    Attributes:
        prediction: what was recorded.
        sealed: the entry that binds its batch.
        batch_size: number of predictions in the batch.
        created: the entry by which the version was registered.
        frozen: what is frozen of the version: data sets, parents, code, parameters and so on; None: withheld.
        manifest: the version's files, an OCI image manifest.
        labels: the version's description and tags.
        stages: the entries that brought the version into stages before, oldest first.
        checkpoint: the signed head all of it is proved at.
        key: who signed that.
        trusted: the key that was trusted: that one, or one that it follows from by what the receipt holds.
    """

    prediction: Prediction
    sealed: VerifiableEntry
    batch_size: int
    created: VerifiableEntry
    frozen: Json | None
    manifest: Json
    labels: Json
    stages: tuple[VerifiableEntry, ...]
    checkpoint: Checkpoint
    key: PublicKey
    trusted: PublicKey


def verify_receipt(data: bytes, keys: Iterable[PublicKey]) -> ProvenPrediction:
    """Verify a receipt with nothing but public keys of the ledger that are trusted.

    Raises:
        InvalidEvidence: if it does not prove what it should; the text says why.
    """
    if len(data) > MAX_RECEIPT_BYTES:
        raise Malformed(f"receipt has {len(data)} bytes, while {MAX_RECEIPT_BYTES} are the most")
    receipt = members(
        _value(data),
        "receipt",
        {"checkpoint", "format", "labels", "prediction", "sealed", "stages", "version"},
        frozenset({"keys"}),
    )
    if receipt.text("format") != FORMAT:
        raise Malformed(
            f"receipt has format {receipt.text('format')[:100]!r}, while {FORMAT!r} is known here"
        )
    rotations = _rotations(receipt)
    believed = handed_to(
        keys, [VerifiableEntry.read(holder.json("entry"), f"{where}.entry") for holder, where in rotations]
    )
    checkpoint, key = _checkpoint(receipt.text("checkpoint"), tuple(believed))
    ledger = _Ledger(checkpoint)
    rotated = [ledger.proved(holder, where, (ROTATED,)) for holder, where in rotations]
    for first, second in pairwise(rotated):
        _earlier(first, second)
    prediction, sealed, batch_size = _prediction(receipt, ledger)
    made = members(
        receipt.json("version"), "receipt.version", {"entry", "manifest", "proof"}, frozenset({"record"})
    )
    created = ledger.proved(made, "receipt.version", (CREATED,))
    _same(created.version, prediction.version, "version.created is of", "the prediction is of")
    frozen = made.json("record") if "record" in made.value else None
    if frozen is not None:
        _bound(frozen, Members(created.data, "version.created").text("record"), "frozen record")
    _bound(made.json("manifest"), created.digest, "manifest")
    _earlier(created, sealed)
    return ProvenPrediction(
        prediction=prediction,
        sealed=sealed,
        batch_size=batch_size,
        created=created,
        frozen=frozen,
        manifest=made.json("manifest"),
        labels=_labels(receipt.json("labels"), ledger, created),
        stages=_stages(receipt.list("stages"), ledger, created, sealed),
        checkpoint=checkpoint,
        key=key,
        trusted=believed[key],
    )


@dataclass(frozen=True, slots=True)
class _Ledger:
    """The ledger as the checkpoint knows it."""

    checkpoint: Checkpoint

    def proved(self, holder: Members, where: str, types: tuple[str, ...]) -> VerifiableEntry:
        """The entry of a holder of ``entry`` and ``proof``."""
        entry = VerifiableEntry.read(holder.json("entry"), f"{where}.entry")
        if entry.type not in types:
            raise Contradiction(f"{where} is of type {entry.type[:64]}, not {' or '.join(types)}")
        size, root = self.checkpoint.size, self.checkpoint.root
        try:
            verify_inclusion(entry.leaf, entry.revision - 1, size, holder.base64_list("proof"), root)
        except InvalidProof as error:
            raise InvalidProof(f"{where} is not entry {entry.revision} of the ledger: {error}") from None
        return entry


def _value(data: bytes) -> object:
    try:
        value: object = read(data)
        # Written anew, so that there is no second way to write what was read.
        if write(value) == data:
            return value
    except (NotCanonical, RecursionError) as error:
        raise Malformed(f"receipt is {error}") from None
    raise Malformed("receipt is JSON, and not in its canonical form")


def _rotations(receipt: Members) -> list[tuple[Members, str]]:
    """What holds each of the entries by which keys handed over, and where it stands."""
    if "keys" not in receipt.value:
        return []
    values = receipt.list("keys")
    if not values:
        raise Malformed("receipt.keys is empty, while it is left out where no key handed over")
    places = [f"receipt.keys[{position}]" for position in range(len(values))]
    return [
        (members(value, where, {"entry", "proof"}), where)
        for value, where in zip(values, places, strict=True)
    ]


def _checkpoint(text: str, keys: tuple[PublicKey, ...]) -> tuple[Checkpoint, PublicKey]:
    try:
        note = text.encode()
    except UnicodeEncodeError:
        raise Malformed("checkpoint is not Unicode text") from None
    checkpoint = open_checkpoint(note, keys)
    # Further signatures would be bytes that nothing binds.
    signatures = Note.parse(note).signatures
    if len(signatures) != 1:
        raise Malformed(f"checkpoint has {len(signatures)} signatures, while a receipt holds 1")
    (key,) = {
        known for known in keys if (known.name, known.hash) == (signatures[0].name, signatures[0].key_hash)
    }
    return checkpoint, key


def _prediction(receipt: Members, ledger: _Ledger) -> tuple[Prediction, VerifiableEntry, int]:
    sealing = members(receipt.json("sealed"), "receipt.sealed", {"entry", "proof"})
    sealed = ledger.proved(sealing, "receipt.sealed", (SEALED,))
    batch = Members(sealed.data, SEALED)
    shown = members(receipt.json("prediction"), "receipt.prediction", {"index", "proof", "record"})
    record, count = shown.base64("record"), batch.number("count")
    try:
        verify_inclusion(
            leaf_hash(record),
            shown.number("index"),
            count,
            shown.base64_list("proof"),
            batch.hex("root", HASH_BYTES),
        )
    except InvalidProof as error:
        raise InvalidProof(f"the prediction is not in its batch: {error}") from None
    try:
        prediction = Prediction.FromString(record)
    except DecodeError:
        raise Malformed("receipt.prediction.record is not a prediction") from None
    if Members(batch.json("versions"), "predictions.sealed.versions").number(prediction.version, 0) < 1:
        raise Contradiction(f"the batch holds no prediction of {prediction.version[:300]!r}")
    return prediction, sealed, count


def _labels(value: Json, ledger: _Ledger, created: VerifiableEntry) -> Json:
    own = {"value", "entry", "proof"} if "entry" in value else {"value"}
    holder = members(value, "receipt.labels", own)
    entry = created
    if "entry" in own:
        entry = ledger.proved(holder, "receipt.labels", (UPDATED,))
        _same(entry.version, created.version, "the labels are of", "the prediction is of")
        _earlier(created, entry)
    _bound(holder.json("value"), Members(entry.data, entry.type).text("labels"), "labels")
    return holder.json("value")


def _stages(
    values: list[object], ledger: _Ledger, created: VerifiableEntry, sealed: VerifiableEntry
) -> tuple[VerifiableEntry, ...]:
    moves: list[VerifiableEntry] = []
    for position, value in enumerate(values):
        where = f"receipt.stages[{position}]"
        move = ledger.proved(members(value, where, {"entry", "proof"}), where, STAGE_MOVES)
        _same(move.version, created.version, f"{where} is of", "the prediction is of")
        _same(move.digest, created.digest, f"{where} has digest", "the version has")
        _earlier(moves[-1] if moves else created, move)
        _earlier(move, sealed)
        moves.append(move)
    return tuple(moves)


def _bound(value: Json, digest: str, what: str) -> None:
    actual = "sha256:" + hashlib.sha256(write(value)).hexdigest()
    if actual != digest:
        raise Contradiction(f"{what} has digest {actual}, while the ledger binds {digest[:71]}")


def _same(found: str, expected: str, this: str, that: str) -> None:
    if found != expected:
        raise Contradiction(f"{this} {found[:300]!r}, while {that} {expected[:300]!r}")


def _earlier(first: VerifiableEntry, second: VerifiableEntry) -> None:
    if first.revision >= second.revision:
        raise Contradiction(
            f"entry {second.revision} ({second.type}) does not come after entry {first.revision} ({first.type})"
        )
