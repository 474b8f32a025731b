"""The keeper signs what it has hashed itself, remembers it elsewhere, and stops everyone when it does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from muniment.ledger.checkpoint import open_checkpoint
from muniment.ledger.keys import SigningKey
from muniment.ledger.rotation import verify_rotation
from muniment_core.db.writer import Change
from muniment_core.signing.anchor import Anchored
from muniment_core.signing.changes import KeyMoved, rotate_key
from muniment_core.signing.key_file import KeyFile, UnusableKey

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


# ── signing ───────────────────────────────────────────────────────────────────────────────────────


def test_what_is_new_is_signed_and_kept_in_the_anchor(ledger: Any) -> None:
    keys = [ledger.key_file.load("example.com/log").public]
    for size in (10, 13):
        ledger.add(*(str(number) for number in range(ledger.head().size, size)))
        ledger.keep()
        signed = ledger.latest()
        checkpoint = open_checkpoint(signed.note, keys, origin="example.com/log")
        assert (checkpoint.size, checkpoint.root) == (signed.size, signed.root) == (size, ledger.head().root)
        assert ledger.anchor.read() == Anchored(signed.note, 0)
    assert ledger.anchor_path.stat().st_mode & 0o777 == 0o600


def test_nothing_new_is_not_signed_again(ledger: Any) -> None:
    before = ledger.latest()
    written = ledger.anchor_path.stat().st_mtime_ns
    ledger.keep()
    ledger.restart()
    ledger.keep()
    assert ledger.latest() == before
    assert ledger.anchor_path.stat().st_mtime_ns == written


def test_the_thread_signs_by_itself_and_what_is_left_at_its_end(ledger: Any) -> None:
    ledger.keeper.start(ledger.writer)
    for size in (12, 13):
        ledger.add(*(str(number) for number in range(ledger.head().size, size)))
        ledger.until(lambda size=size: ledger.latest().size == size, "the checkpoint")
    ledger.add("last")
    ledger.keeper.stop()
    assert ledger.latest().size == 14


def test_a_clock_that_goes_backwards_changes_nothing(ledger_of: Callable[..., Any]) -> None:
    times: Iterator[datetime] = (NOW - timedelta(days=number) for number in range(10_000))
    ledger = ledger_of("backwards", lambda: next(times))
    ledger.make_key()
    for number in range(3):
        ledger.add(str(number))
        ledger.keep()
        assert ledger.latest().size == ledger.head().size
    ledger.restart()
    assert not ledger.keeper.alarm


def test_a_process_without_the_key_signs_nothing_and_follows(
    ledger: Any, ledger_of: Callable[..., Any]
) -> None:
    other = ledger_of("other")
    other.add("by the other")
    other.keep()
    assert other.latest().size == 10
    assert other.anchor.read() == ledger.anchor.read()
    ledger.keep()
    other.keep()
    assert other.latest().size == 11
    assert other.anchor.read() == ledger.anchor.read()


def test_two_signers_do_no_harm(ledger: Any, ledger_of: Callable[..., Any]) -> None:
    other = ledger_of("other")
    other.key_file.path.write_bytes(ledger.key_file.path.read_bytes())
    for size in (11, 12, 13):
        ledger.add(str(size))
        for process in (ledger, other, ledger):
            process.keep()
            assert process.latest().size == size
            assert process.anchor.read() == Anchored(process.latest().note, 0)


def test_many_entries_are_read_in_portions(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muniment_core.signing.keeper.ENTRIES_AT_ONCE", 3)
    ledger.add(*map(str, range(10)))
    ledger.keep()
    assert ledger.latest().size == 20
    monkeypatch.setattr("muniment_core.signing.standing.ENTRIES_AT_START", 2)
    ledger.add(*map(str, range(10)))
    ledger.restart()
    assert not ledger.keeper.alarm
    ledger.keep()
    assert (ledger.latest().size, ledger.latest().root) == (30, ledger.head().root)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def rotate(ledger: Any) -> SigningKey:
    old = ledger.key_file.load("example.com/log")
    new = ledger.key_file.prepare_next("example.com/log")
    ledger.writer.submit(Change(lambda unit: rotate_key(unit, old, new.public), "tester")).result(30)
    return new


def test_after_a_rotation_the_new_key_signs_and_the_old_one_says_so(ledger: Any) -> None:
    old = ledger.key_file.load("example.com/log").public
    new = rotate(ledger).public
    # The keeper of a running process finds the new file by itself, also when nobody moved it into place.
    ledger.keep()
    assert ledger.key_file.load("example.com/log").public == new
    assert open_checkpoint(ledger.latest().note, [new]).size == 11
    entry = ledger.entry(11)
    assert entry.draft.type == "log.key_rotated"
    statement = json.loads(entry.body)["data"]["statement"].encode()
    assert verify_rotation(statement, old, revision=11) == new
    ledger.restart()
    ledger.add("more")
    ledger.keep()
    assert (ledger.keeper.alarm, ledger.latest().size) == ("", 12)


def test_a_key_that_is_no_longer_active_rotates_nothing_and_signs_nothing(
    ledger: Any, ledger_of: Callable[..., Any]
) -> None:
    stale = ledger_of("stale")
    stale.key_file.path.write_bytes(ledger.key_file.path.read_bytes())
    stale.keep()
    rotate(ledger)
    with pytest.raises(KeyMoved):
        rotate(stale)
    stale.keep()
    assert stale.latest().size == 10
    ledger.keep()
    assert ledger.latest().size == 11


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is not a private key"),
        (None, "is not an Ed25519 key"),
    ],
)
def test_a_key_file_with_something_else_is_told_and_nothing_is_signed(
    ledger: Any, content: bytes | None, why: str
) -> None:
    if content is None:
        other = X25519PrivateKey.generate()
        content = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ledger.key_file.path.write_bytes(content)
    ledger.restart()
    ledger.add("more")
    with pytest.raises(UnusableKey, match=why):
        ledger.keep()
    assert ledger.latest().size == 10


def test_another_key_or_none_signs_nothing(ledger: Any) -> None:
    ledger.key_file.generate("example.com/log")
    ledger.restart()
    ledger.add("more")
    ledger.keep()
    ledger.key_file.path.unlink()
    ledger.keep()
    assert (ledger.latest().size, ledger.keeper.alarm) == (10, "")


def test_a_directory_in_place_of_the_key_is_told(ledger: Any) -> None:
    ledger.key_file.path.unlink()
    ledger.key_file.path.mkdir()
    with pytest.raises(UnusableKey, match="cannot be read"):
        KeyFile(ledger.key_file.path).load("example.com/log")
