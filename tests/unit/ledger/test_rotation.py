"""A key follows another only by the other's own word."""

from __future__ import annotations

import pytest
from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey
from muniment.ledger.note import Note
from muniment.ledger.rotation import InvalidRotation, sign_rotation, verify_rotation

NEXT = SigningKey.from_seed("example.com/log", b"\x08" * 32)


def test_the_statement_of_the_old_key_names_the_new_one(signing_key: SigningKey) -> None:
    statement = sign_rotation(signing_key, NEXT.public, revision=7)
    assert verify_rotation(statement, signing_key.public, revision=7) == NEXT.public


def test_any_other_statement_is_refused(signing_key: SigningKey) -> None:
    statement = sign_rotation(signing_key, NEXT.public, revision=7)
    for data, key, revision in (
        (statement, signing_key.public, 8),
        (statement, NEXT.public, 7),
        (statement.replace(b"v1", b"v2"), signing_key.public, 7),
        (Checkpoint("example.com/log", 7, b"\x01" * 32).signed_by(signing_key), signing_key.public, 7),
        (Note("muniment-key-rotation/v1\n\n", ()).signed_by(signing_key).to_bytes(), signing_key.public, 7),
    ):
        with pytest.raises(InvalidEvidence):
            verify_rotation(data, key, revision=revision)
    for at in range(len(statement)):
        changed = statement[:at] + bytes([statement[at] ^ 1]) + statement[at + 1 :]
        with pytest.raises(InvalidEvidence):
            verify_rotation(changed, signing_key.public, revision=7)


def test_a_log_is_not_handed_to_another_log_or_to_the_same_key(signing_key: SigningKey) -> None:
    stranger = SigningKey.from_seed("example.com/other", b"\x08" * 32)
    for new in (stranger.public, signing_key.public):
        with pytest.raises(InvalidRotation, match="cannot follow"):
            sign_rotation(signing_key, new, revision=1)
