"""Receipts prove what they say, and every byte of one matters."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from muniment.ledger import InvalidEvidence
from muniment.ledger.canonical import write as canonical_json
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import BadSignature, SigningKey
from muniment.ledger.merkle import InvalidProof, leaf_hash
from muniment.ledger.note import InvalidNote, Note
from muniment.ledger.receipt import Contradiction, Malformed, Proved, ReceiptParts, verify_receipt
from muniment.ledger.rotation import InvalidRotation, sign_rotation
from muniment.v1.prediction_pb2 import Prediction

VERSION = "projects/default/models/churn/versions/1"
ABOUT = {"project": "default", "model": "churn", "number": 1}
FROZEN = {
    "datasets": [{"name": "clients", "digest": f"sha256:{'d' * 64}"}],
    "params": {"depth": 1e-7, "größe": "ß"},
}
MANIFEST = {"schemaVersion": 2, "layers": [{"digest": f"sha256:{'e' * 64}", "size": 12}]}
LABELS = {"description": "first", "tags": {"team": "risk"}}
SIZE = 11


def digest(value: object) -> str:
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def entry(revision: int, kind: str, *, about: dict[str, Any] = ABOUT, **fields: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "revision": revision,
        "type": kind,
        "time": f"2026-11-23T12:00:{revision:02}.000000Z",
        "actor": "ann",
        **about,
        **fields,
    }


class Log:
    """A small ledger, of which receipts are made with whatever is changed first."""

    def __init__(self, key: SigningKey, root_of: Any, prove: Any) -> None:
        self.key, self.root_of, self.prove = key, root_of, prove
        self.predictions = [
            Prediction(
                id=f"p-{number}",
                version=VERSION,
                input_digest=bytes([number]) * 32,
                output_digest=b"o" * 32,
            ).SerializeToString()
            for number in range(5)
        ]
        batch = [leaf_hash(one) for one in self.predictions]
        self.entries: dict[int, dict[str, Any]] = {
            revision: entry(revision, "model.updated") for revision in range(1, SIZE + 1)
        }
        self.entries[3] = entry(
            3,
            "version.created",
            digest=digest(MANIFEST),
            data={"record": digest(FROZEN), "labels": digest({"description": "", "tags": {}})},
        )
        self.entries[4] = entry(
            4, "version.updated", digest=digest(MANIFEST), data={"labels": digest(LABELS)}
        )
        for revision, kind in ((5, "stage.promoted"), (7, "stage.rolled_back")):
            self.entries[revision] = entry(
                revision, kind, stage="production", digest=digest(MANIFEST), reason="better"
            )
        self.entries[9] = entry(
            9,
            "predictions.sealed",
            about={"project": "default"},
            data={"count": 5, "root": root_of(batch).hex(), "versions": {VERSION: 5}},
        )
        self.path = prove(2, batch)

    def rotate(self, revision: int, seed: int) -> SigningKey:
        """Another key signs from now on, and the entry says so by the word of the one before."""
        old, new = self.key, SigningKey.from_seed(self.key.public.name, bytes([seed]) * 32)
        statement = sign_rotation(old, new.public, revision=revision).decode()
        data = {"key": new.public.text, "previous_key": old.public.text, "statement": statement}
        self.entries[revision] = entry(revision, "log.key_rotated", about={}, data=data)
        self.key = new
        return new

    def proved(self, revision: int) -> Proved:
        leaves = [leaf_hash(canonical_json(one)) for one in self.entries.values()]
        return Proved(self.entries[revision], self.prove(revision - 1, leaves))

    def parts(self, **changes: Any) -> ReceiptParts:
        leaves = [leaf_hash(canonical_json(one)) for one in self.entries.values()]
        head = Checkpoint(self.key.public.name, SIZE, self.root_of(leaves))
        parts = ReceiptParts(
            checkpoint=head.signed_by(self.key),
            record=self.predictions[2],
            index=2,
            path=self.path,
            sealed=self.proved(9),
            created=self.proved(3),
            frozen=FROZEN,
            manifest=MANIFEST,
            labels=LABELS,
            labels_entry=self.proved(4),
            stages=[self.proved(5), self.proved(7)],
        )
        return replace(parts, **changes)


@pytest.fixture
def log(signing_key: SigningKey, root_of: Any, prove_inclusion: Any) -> Log:
    return Log(signing_key, root_of, prove_inclusion)


@pytest.fixture
def verify(signing_key: SigningKey) -> Callable[[bytes], Any]:
    return lambda data: verify_receipt(data, [signing_key.public])


def test_a_receipt_proves_prediction_version_files_labels_and_stages(log: Log, verify: Any) -> None:
    proven = verify(log.parts().to_bytes())
    assert (proven.prediction.id, proven.prediction.version) == ("p-2", VERSION)
    assert (proven.sealed.revision, proven.batch_size) == (9, 5)
    assert (proven.created.revision, proven.created.actor) == (3, "ann")
    assert (proven.frozen, proven.manifest, proven.labels) == (FROZEN, MANIFEST, LABELS)
    assert [(one.revision, one.stage, one.reason) for one in proven.stages] == [
        (5, "production", "better"),
        (7, "production", "better"),
    ]
    assert (proven.checkpoint.size, proven.key.name) == (SIZE, "example.com/log")


def test_a_version_whose_labels_never_changed_needs_no_further_entry(log: Log, verify: Any) -> None:
    parts = log.parts(labels={"description": "", "tags": {}}, labels_entry=None, stages=[])
    proven = verify(parts.to_bytes())
    assert (proven.labels, proven.stages) == ({"description": "", "tags": {}}, ())


def test_what_is_frozen_of_the_version_may_be_withheld_and_the_rest_is_proven(log: Log, verify: Any) -> None:
    proven = verify(log.parts(frozen=None).to_bytes())
    assert (proven.frozen, proven.manifest) == (None, MANIFEST)


def test_whoever_trusts_an_older_key_follows_it_to_the_one_that_signed(log: Log, verify: Any) -> None:
    first = log.key.public
    second, third = log.rotate(1, 8).public, log.rotate(8, 9).public
    parts = log.parts(rotations=[log.proved(1), log.proved(8)])
    data = parts.to_bytes()
    for trusted in (first, second, third):
        proven = verify_receipt(data, [trusted])
        assert (proven.key, proven.trusted) == (third, trusted)
    assert verify_receipt(data, [first, third]).trusted == third
    with pytest.raises(InvalidNote):
        verify_receipt(data, [SigningKey.from_seed(first.name, bytes(32)).public])
    # Without the word of each of the keys before it, the last one is anybody's.
    for rotations in ([], [log.proved(1)], [log.proved(8)]):
        with pytest.raises(InvalidNote):
            verify(replace(parts, rotations=rotations).to_bytes())
    with pytest.raises(Contradiction, match=r"entry 1 .* does not come after entry 8"):
        verify_receipt(replace(parts, rotations=[log.proved(8), log.proved(1)]).to_bytes(), [third])
    with pytest.raises(Malformed, match="previous_key is not text"):
        verify_receipt(replace(parts, rotations=[log.proved(5)]).to_bytes(), [third])
    with pytest.raises(Malformed, match=r"receipt\.keys is empty"):
        verify_receipt(canonical_json({**json.loads(data), "keys": []}), [third])


def test_a_handover_that_the_trusted_key_did_not_sign_is_refused(log: Log, verify: Any) -> None:
    first, forger = log.key, SigningKey.from_seed(log.key.public.name, b"\x09" * 32)
    log.key = forger
    log.rotate(1, 8)
    log.entries[1]["data"]["previous_key"] = first.public.text
    with pytest.raises(InvalidEvidence):
        verify(log.parts(rotations=[log.proved(1)]).to_bytes())
    # One that it did sign, of another revision.
    log.key = first
    log.rotate(1, 8)
    log.entries[1] = entry(1, "model.updated")
    log.entries[2] = entry(
        2,
        "log.key_rotated",
        about={},
        data={
            "previous_key": first.public.text,
            "statement": sign_rotation(first, log.key.public, revision=1).decode(),
        },
    )
    with pytest.raises(InvalidRotation):
        verify(log.parts(rotations=[log.proved(2)]).to_bytes())


@pytest.mark.soak
@pytest.mark.parametrize("trusted", ["the key", "its follower", "the key before"])
def test_changing_any_one_byte_fails_with_a_reason(log: Log, trusted: str, soak: bool) -> None:
    key, rotations = log.key.public, []
    if trusted != "the key":
        follower = log.rotate(1, 8).public
        rotations = [log.proved(1)]
        key = follower if trusted == "its follower" else key
    data = log.parts(rotations=rotations).to_bytes()

    def verify(data: bytes) -> None:
        verify_receipt(data, [key])

    verify(data)
    chance = random.Random(20261123)
    for position, byte in enumerate(data):
        others = [byte ^ 0x01, byte ^ 0x20, (byte + chance.randrange(1, 256)) % 256]
        # Of each byte one change, and in `make soak` each of them.
        for other in others if soak else others[position % 3 :][:1]:
            changed = data[:position] + bytes([other]) + data[position + 1 :]
            with pytest.raises(InvalidEvidence) as caught:
                verify(changed)
            assert str(caught.value)


def test_a_byte_more_or_less_anywhere_fails(log: Log, verify: Any) -> None:
    data = log.parts().to_bytes()
    chance = random.Random(20261123)
    for position in range(0, len(data) + 1, 7):
        for changed in (
            data[:position] + data[position + 1 :],
            data[:position] + bytes([chance.choice(b' 0a"{[,\n')]) + data[position:],
        ):
            if changed != data:
                with pytest.raises(InvalidEvidence):
                    verify(changed)
    for changed in (b"", data + b"\n", b"\xef\xbb\xbf" + data, data * 2):
        with pytest.raises(InvalidEvidence):
            verify(changed)


def test_members_that_do_not_belong_are_refused_wherever_they_stand(log: Log, verify: Any) -> None:
    receipt = json.loads(log.parts().to_bytes())
    for holder in (
        receipt,
        receipt["labels"],
        receipt["prediction"],
        receipt["sealed"],
        receipt["stages"][0],
        receipt["version"],
    ):
        holder["more"] = 1
        with pytest.raises(Malformed, match="'more', which does not belong there"):
            verify(canonical_json(receipt))
        del holder["more"]
    for name in list(receipt):
        with pytest.raises(Malformed, match=f"lacks {name}"):
            verify(canonical_json({key: value for key, value in receipt.items() if key != name}))


def test_the_signature_of_another_key_or_a_second_one_is_refused(log: Log, verify: Any) -> None:
    other = SigningKey.from_seed("example.com/log", b"\x08" * 32)
    parts = log.parts()
    text = Note.parse(parts.checkpoint).text
    with pytest.raises(InvalidNote):
        verify(replace(parts, checkpoint=Note(text, ()).signed_by(other).to_bytes()).to_bytes())
    forged = parts.checkpoint.replace(b"\n11\n", b"\n12\n")
    with pytest.raises(BadSignature):
        verify(replace(parts, checkpoint=forged).to_bytes())
    both = Note.parse(parts.checkpoint).signed_by(other).to_bytes()
    with pytest.raises(Malformed, match="has 2 signatures"):
        verify(replace(parts, checkpoint=both).to_bytes())


def test_sound_parts_that_do_not_belong_together_are_refused(log: Log, verify: Any) -> None:
    entries = log.entries
    entries[6] = entry(
        6, "version.created", about={**ABOUT, "number": 2}, digest=digest(MANIFEST), data=entries[3]["data"]
    )
    entries[8] = entry(
        8, "stage.promoted", about={**ABOUT, "number": 2}, stage="production", digest=digest(MANIFEST)
    )
    entries[10] = entry(10, "stage.promoted", stage="staging", digest=digest(MANIFEST))
    entries[11] = entry(11, "version.created", digest=digest(MANIFEST), data=entries[3]["data"])
    entries[2] = entry(2, "version.updated", data={"labels": digest(LABELS)})
    entries[1] = entry(1, "version.updated", about={**ABOUT, "model": "x"}, data={"labels": digest(LABELS)})
    wrong: dict[str, dict[str, Any]] = {
        "the prediction is of": {"created": log.proved(6)},
        "the version has|the prediction is of": {"stages": [log.proved(8)]},
        "does not come after": {"stages": [log.proved(10)]},
        "entry 9 .* does not come after entry 11": {"created": log.proved(11)},
        "entry 5 .* does not come after entry 7": {"stages": [log.proved(7), log.proved(5)]},
        "is of type model.updated|is of type stage": {"sealed": log.proved(5)},
        "the labels are of": {"labels_entry": log.proved(1)},
        "entry 2 .* does not come after entry 3": {"labels_entry": log.proved(2)},
        "labels has digest": {"labels_entry": None},
        "frozen record has digest": {"frozen": {**FROZEN, "run": {"id": "x"}}},
        "manifest has digest": {"manifest": {}},
    }
    verify(log.parts().to_bytes())
    for why, changes in wrong.items():
        with pytest.raises(Contradiction, match=why):
            verify(log.parts(**changes).to_bytes())


def test_a_prediction_of_another_batch_version_or_place_is_refused(log: Log, verify: Any) -> None:
    with pytest.raises(InvalidProof, match="not in its batch"):
        verify(log.parts(record=log.predictions[1]).to_bytes())
    with pytest.raises(InvalidProof, match="not in its batch"):
        verify(log.parts(index=3).to_bytes())
    with pytest.raises(InvalidProof, match="not in its batch"):
        verify(log.parts(path=log.path[:-1]).to_bytes())
    with pytest.raises(InvalidProof, match="is not entry 9 of the ledger"):
        verify(log.parts(sealed=Proved(log.entries[9], log.proved(5).hashes)).to_bytes())
    log.entries[9]["data"]["versions"] = {VERSION + "1": 5}
    with pytest.raises(Contradiction, match="holds no prediction of"):
        verify(log.parts().to_bytes())
