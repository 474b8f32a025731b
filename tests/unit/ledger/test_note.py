"""Signed notes and keys against the examples that are published for them.

Sources of the facts: golang.org/x/mod `sumdb/note` (keys of PeterNeumann and EnochRoot, their note) and the
example notes of https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment.ledger import InvalidEvidence
from muniment.ledger.evidence import decode, encode
from muniment.ledger.keys import BadSignature, InvalidKey, PublicKey, SigningKey
from muniment.ledger.note import MAX_SIGNATURES, InvalidNote, Note

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUg"
    "YN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiO"
    "Hp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)


def read(*lines: str) -> Note:
    return Note.parse((TEXT + "\n" + "".join(lines)).encode())


def test_a_published_key_is_read_and_written() -> None:
    for text, name in ((PETER, "PeterNeumann"), (ENOCH, "EnochRoot")):
        key = PublicKey.parse(text)
        assert (key.name, key.text) == (name, text)


def test_any_part_of_a_key_and_any_letter_changed_is_refused() -> None:
    parts = {PETER[start:end] for start in range(len(PETER)) for end in range(start + 1, len(PETER) + 1)}
    changed = {PETER[:at] + chr(ord(PETER[at]) + 1) + PETER[at + 1 :] for at in range(len(PETER))}
    for text in (parts - {PETER}) | changed:
        with pytest.raises(InvalidKey):
            PublicKey.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "not base64"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "has type 0x65"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1w==", "has 30 bytes"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "while c74f20a4 is written"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "holds a space"),
        ("", "is not a public key"),
    ],
)
def test_a_key_that_is_none_tells_why(text: str, why: str) -> None:
    with pytest.raises(InvalidKey, match=why):
        PublicKey.parse(text)


def test_signing_gives_the_published_note() -> None:
    signer = SigningKey.from_seed("PeterNeumann", decode(PETER_PRIVATE)[1:])
    assert signer.public == PublicKey.parse(PETER)
    assert Note(TEXT, ()).signed_by(signer).to_bytes() == (TEXT + "\n" + BY_PETER).encode()


def test_known_signers_are_verified_and_unknown_ones_passed_over() -> None:
    peter, enoch = PublicKey.parse(PETER), PublicKey.parse(ENOCH)
    note = read(BY_PETER, BY_ENOCH)
    assert note.text == TEXT
    assert note.verified_by([peter]) == (peter,)
    assert note.verified_by([enoch]) == (enoch,)
    assert note.verified_by([enoch, peter]) == (peter, enoch)
    assert read(BY_PETER, BY_PETER).verified_by([peter, peter]) == (peter,)
    stranger = SigningKey.from_seed("PeterNeumann", b"\x01" * 32).public
    assert note.verified_by([stranger, peter]) == (peter,)
    for keys in ([], [stranger]):
        with pytest.raises(InvalidNote, match=r"by PeterNeumann\+c74f20a3, EnochRoot\+af0cfe78"):
            note.verified_by(keys)


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    peter, enoch = PublicKey.parse(PETER), PublicKey.parse(ENOCH)
    longer = BY_PETER[:60] + "ABCD" + BY_PETER[60:]
    swapped = BY_ENOCH.replace("rwz+eBzm", "rwz+eCzm")
    for lines, keys in (((longer,), [peter]), ((BY_PETER, swapped), [peter, enoch])):
        with pytest.raises(BadSignature, match="is not valid"):
            read(*lines).verified_by(keys)
    assert read(BY_PETER, swapped).verified_by([peter]) == (peter,)
    with pytest.raises(BadSignature):
        Note.parse((TEXT.replace("answer", "Answer") + "\n" + BY_PETER).encode()).verified_by([peter])


def test_two_keys_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PublicKey, "hash", b"same")
    one, other = (SigningKey.from_seed("log", bytes([seed]) * 32).public for seed in (1, 2))
    with pytest.raises(InvalidKey, match="two known keys are called"):
        read(BY_PETER).verified_by([one, other])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (TEXT, "no empty line"),
        (TEXT + "\n", "no signature"),
        (TEXT + "\n" + BY_PETER[:-1], "does not end with a newline"),
        ("\x01" + TEXT + "\n" + BY_PETER, "control character"),
        (TEXT.replace("\n", "\r\n") + "\n" + BY_PETER, "control character"),
        (TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Bad Name"), "is not '— NAME BASE64'"),
        (TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Bad+Name"), "holds a space, a plus"),
        (TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Bad\u2003Name"), "holds a space, a plus"),
        (TEXT + "\n" + BY_PETER + "Unexpected line.\n", "is not '— NAME BASE64'"),
        (TEXT + "\n" + BY_PETER.replace("—", "-"), "is not '— NAME BASE64'"),
        (TEXT + "\n" + BY_PETER.replace("AM=", "AN="), "canonical"),
        (TEXT + "\n" + BY_PETER.replace("AM=", "AM"), "not base64"),
        (TEXT + "\n— PeterNeumann x08gow==\n", "holds no signature"),
        (TEXT + "\n" + BY_PETER * (MAX_SIGNATURES + 1), "101 signatures, while 100"),
        ("x" * 1_000_001, "1000001 bytes"),
    ],
)
def test_a_note_that_is_none_tells_why(data: str, why: str) -> None:
    with pytest.raises(InvalidNote, match=why):
        Note.parse(data.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidNote, match="is not UTF-8"):
        Note.parse(b"\xff" + (TEXT + "\n" + BY_PETER).encode())


def test_a_text_may_have_empty_lines(signing_key: SigningKey) -> None:
    data = Note("one\n\n\n— two\n", ()).signed_by(signing_key).to_bytes()
    note = Note.parse(data)
    assert note.text == "one\n\n\n— two\n"
    assert note.verified_by([signing_key.public]) == (signing_key.public,)


@pytest.mark.parametrize("text", ["", "no end", "tab\there\n", "lone \ud800\n"])
def test_what_no_note_may_hold_cannot_be_written(signing_key: SigningKey, text: str) -> None:
    with pytest.raises(ValueError, match=r"note|surrogates"):
        Note(text, ()).signed_by(signing_key).to_bytes()


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x00b", "\ud800"])
def test_a_name_that_no_key_may_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidKey):
        PublicKey(name, b"\x00" * 32)


@given(st.binary(max_size=200))
def test_whatever_is_read_as_a_note_is_written_back_the_same(data: bytes) -> None:
    for candidate in (data, TEXT.encode() + b"\n" + data, (TEXT + "\n" + BY_PETER).encode() + data):
        try:
            note = Note.parse(candidate)
        except InvalidEvidence:
            continue
        assert note.to_bytes() == candidate


def test_base64_has_one_form() -> None:
    assert decode(encode(b"\x00\xff\x10")) == b"\x00\xff\x10"
    for text in ("AP8Q ", "AP8Q\n", "AP-_", "AP8", "QQ", "QR==", "QQ==\n", "é"):
        with pytest.raises(ValueError, match="base64"):
            decode(text)
