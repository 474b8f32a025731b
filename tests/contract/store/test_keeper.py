"""The keeper signs what it has hashed itself, remembers it elsewhere, and stops everyone when it does not fit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.keys import SigningKey
from muniment.ledger.rotation import verify_rotation
from muniment_core.db.signing_tables import ledger_checkpoints, ledger_keys
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Change
from muniment_core.domain.errors import LedgerRecovery
from muniment_core.signing.anchor import Anchored
from muniment_core.signing.changes import KeyMoved, rotate_key
from muniment_core.signing.inspection import LedgerDamaged
from muniment_core.signing.key_file import KeyFile, UnusableKey
from muniment_core.signing.recovery import CannotRecover, NothingToRecover, recover
from sqlalchemy import Connection, delete, insert, select, update

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DEADLINE = 30.0

Damage = Callable[[Connection], object]


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def refuses(ledger: Any) -> bool:
    try:
        ledger.add("more")
    except LedgerRecovery:
        return True
    return False


def entry_of(ledger: Any, revision: int) -> Any:
    with ledger.database.reading() as connection:
        return Reader(connection, NOW).ledger.entry(revision)


def flipped(column: Any, where: Any, connection: Connection, *, at: int = 0) -> None:
    value = connection.execute(select(column).where(where)).scalar_one()
    changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    connection.execute(update(column.table).where(where).values({column.name: changed}))


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
        until(lambda size=size: ledger.latest().size == size, "the checkpoint")
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
    entry = entry_of(ledger, 11)
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


# ── damage ────────────────────────────────────────────────────────────────────────────────────────

ENTRIES, HEAD = ledger_entries.c, ledger_head.c


def swap(connection: Connection) -> None:
    rows = {
        row.revision: row
        for row in connection.execute(select(ledger_entries).where(ENTRIES.revision > 11)).all()
    }
    for mine, other in ((12, 13), (13, 12)):
        values = {"body": rows[other].body, "leaf_hash": rows[other].leaf_hash}
        connection.execute(update(ledger_entries).where(ENTRIES.revision == mine).values(values))


def remove(connection: Connection, revision: int) -> None:
    connection.execute(delete(ledger_entries).where(ENTRIES.revision == revision))


def stray(connection: Connection) -> None:
    row = connection.execute(select(ledger_entries).where(ENTRIES.revision == 13)).one()
    connection.execute(insert(ledger_entries).values({**row._mapping, "revision": 14}))


NEW_DAMAGE: dict[str, tuple[Damage, str]] = {
    "a body": (lambda c: flipped(ENTRIES.body, ENTRIES.revision == 12, c, at=20), "entry 12 no longer has"),
    "a leaf hash": (
        lambda c: flipped(ENTRIES.leaf_hash, ENTRIES.revision == 13, c),
        "entry 13 no longer has",
    ),
    "the last row": (
        lambda c: c.execute(delete(ledger_entries).where(ENTRIES.revision == 13)),
        "entry 13 is missing",
    ),
    "a row between": (
        lambda c: c.execute(delete(ledger_entries).where(ENTRIES.revision == 12)),
        "entry 12 is missing",
    ),
    "two rows": (swap, "while its entries have"),
    "a row too many": (stray, "there are entries after the ledger's head"),
    "the head's root": (lambda c: flipped(HEAD.root_hash, HEAD.id == 1, c), "while its entries have"),
    "the head's frontier": (
        lambda c: flipped(HEAD.frontier, HEAD.id == 1, c, at=40),
        "while its entries have",
    ),
    "the head's size": (lambda c: c.execute(update(ledger_head).values(size=11)), "while its entries have"),
}
"""What is done to entries 11 to 13, which are not signed yet, and how that is told."""

SIGNED_DAMAGE: dict[str, tuple[Damage, str]] = {
    "the checkpoint's note": (
        lambda c: flipped(ledger_checkpoints.c.note, ledger_checkpoints.c.size == 10, c, at=3),
        "is not one of this ledger",
    ),
    "the checkpoint's root": (
        lambda c: flipped(ledger_checkpoints.c.root_hash, ledger_checkpoints.c.size == 10, c),
        "differs from its signed note",
    ),
    "the key": (
        lambda c: flipped(ledger_keys.c.public_key, ledger_keys.c.revision == 1, c),
        "is not one of this ledger",
    ),
    "a node": (lambda c: flipped(ledger_nodes.c.hash, ledger_nodes.c.level == 3, c), "was signed"),
    "the nodes": (lambda c: c.execute(delete(ledger_nodes)), "lacks Place"),
}
"""What is done to what was signed, as far as a start looks at it."""


@pytest.mark.parametrize("kind", NEW_DAMAGE)
def test_new_entries_that_are_not_what_was_committed_are_noticed_before_signing(
    ledger: Any, kind: str
) -> None:
    damage, told = NEW_DAMAGE[kind]
    ledger.add("11", "12", "13")
    with ledger.database.writing() as connection:
        damage(connection)
    with pytest.raises(LedgerDamaged, match=told):
        ledger.keep()
    ledger.restart()
    assert told in ledger.keeper.alarm
    assert refuses(ledger)
    ledger.keep()
    assert ledger.latest().size == 10
    assert Checkpoint.parse(ledger.anchor.read().note.decode().partition("\n\n")[0] + "\n").size == 10


@pytest.mark.parametrize("kind", SIGNED_DAMAGE)
def test_damage_to_what_a_start_relies_on_is_noticed_at_the_start(ledger: Any, kind: str) -> None:
    damage, told = SIGNED_DAMAGE[kind]
    with ledger.database.writing() as connection:
        damage(connection)
    ledger.restart()
    assert told in ledger.keeper.alarm
    assert refuses(ledger)


def test_the_thread_raises_the_alarm_for_every_process(
    ledger: Any, ledger_of: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    other = ledger_of("other")
    ledger.add("11")
    with ledger.database.writing() as connection:
        flipped(ENTRIES.body, ENTRIES.revision == 11, connection)
    ledger.keeper.start(ledger.writer)
    until(lambda: ledger.keeper.alarm, "the alarm")
    until(lambda: refuses(ledger), "the refusal")
    assert refuses(other)
    other.keep()
    assert other.keeper.alarm == ledger.keeper.alarm
    later = ledger_of("later")
    assert later.keeper.alarm == ledger.keeper.alarm
    assert refuses(later)
    told = [record.message for record in caplog.records if "recovery mode" in record.message]
    assert len(told) == 3
    assert all("entry 11 no longer has" in line and "muniment-server fsck" in line for line in told)


def test_bookkeeping_is_refused_too(ledger: Any) -> None:
    ledger.cut(5)
    ledger.restart()
    noted = ledger.writer.submit(Change(lambda _unit: None, "tester", recorded=False))
    assert isinstance(noted.exception(30), LedgerRecovery)


# ── older copies ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [9, 5, 1, 0])
def test_an_older_copy_of_the_database_is_noticed_at_the_start(ledger: Any, size: int) -> None:
    ledger.cut(size)
    ledger.restart()
    assert f"the ledger has {size} entries, while the anchor has 10" in ledger.keeper.alarm
    assert refuses(ledger)
    assert ledger.head().size == size


def test_an_older_copy_that_went_another_way_is_noticed(ledger: Any) -> None:
    known = ledger.anchor.read()
    ledger.cut(6)
    ledger.anchor.clear()
    ledger.restart()
    ledger.add(*(f"another {number}" for number in range(8)))
    ledger.keep()
    ledger.anchor.write(known)
    ledger.restart()
    assert "does not begin with what the anchor was signed over" in ledger.keeper.alarm
    assert refuses(ledger)


def test_a_database_that_is_replaced_while_it_is_served_is_noticed(
    ledger: Any, ledger_of: Callable[..., Any]
) -> None:
    follower = ledger_of("follower")
    follower.keep()
    ledger.cut(4)
    for process in (ledger, follower):
        with pytest.raises(LedgerDamaged, match="the ledger has 4 entries, while the anchor has 10"):
            process.keep()


def test_a_lost_anchor_is_made_anew_and_no_alarm(ledger: Any, caplog: pytest.LogCaptureFixture) -> None:
    before = ledger.anchor.read()
    ledger.anchor_path.unlink()
    ledger.restart()
    assert not ledger.keeper.alarm
    assert "there is no anchor" in caplog.text
    ledger.keep()
    assert ledger.anchor.read() == before


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"recoveries 0\nnonsense", b"recoveries x\nlog\n1\n", b"recoveries 0\n"]
)
def test_an_anchor_that_cannot_be_read_is_no_anchor(ledger: Any, content: bytes) -> None:
    ledger.anchor_path.write_bytes(content)
    ledger.restart()
    assert "the anchor" in ledger.keeper.alarm
    assert refuses(ledger)


def test_the_anchor_of_another_log_does_not_fit(ledger: Any) -> None:
    stranger = SigningKey.from_seed("example.com/log", b"\x01" * 32)
    note = Checkpoint("example.com/log", 3, b"\x02" * 32).signed_by(stranger)
    ledger.anchor_path.write_bytes(Anchored(note, 0).to_bytes())
    ledger.restart()
    assert "by none of the known keys" in ledger.keeper.alarm


def test_an_anchor_that_cannot_be_written_keeps_the_ledger_unsigned_until_it_can(ledger: Any) -> None:
    ledger.anchor_path.unlink()
    ledger.anchor_path.mkdir()
    ledger.add("11")
    with pytest.raises(OSError, match="anchor"):
        ledger.keep()
    assert ledger.latest().size == 10
    ledger.anchor_path.rmdir()
    ledger.keep()
    assert (ledger.latest().size, ledger.keeper.alarm) == (11, "")


# ── recovery ──────────────────────────────────────────────────────────────────────────────────────


def decide(ledger: Any, reason: str = "the disk died") -> Any:
    return recover(ledger.database, ledger.writer, ledger.clock, anchor=ledger.anchor, reason=reason)


def test_the_operator_may_go_on_with_an_older_copy_and_the_ledger_says_so_for_ever(ledger: Any) -> None:
    given_up = ledger.latest()
    ledger.cut(6)
    ledger.restart()
    assert refuses(ledger)
    recovery = decide(ledger)
    assert (recovery.revision, recovery.kept_size, recovery.anchor_size) == (7, 6, 10)
    assert recovery.anchor_root == given_up.root
    entry = entry_of(ledger, 7)
    assert (entry.draft.type, entry.draft.reason) == ("log.recovered", "the disk died")
    ledger.restart()
    assert not ledger.keeper.alarm
    ledger.add("8")
    ledger.keep()
    assert (ledger.latest().size, ledger.anchor.read().recoveries) == (8, 1)
    ledger.restart()
    assert not ledger.keeper.alarm


def test_processes_that_run_go_on_when_the_operator_has_decided(
    ledger: Any, ledger_of: Callable[..., Any]
) -> None:
    follower = ledger_of("follower")
    follower.keep()
    ledger.cut(6)
    ledger.restart()
    follower.keep()
    assert follower.keeper.alarm
    assert refuses(follower)
    decide(ledger)
    ledger.restart()
    ledger.keep()
    follower.keep()
    assert not follower.keeper.alarm
    follower.add("8")
    assert follower.anchor.read().recoveries == 1


def test_a_decision_does_not_excuse_the_next_loss(ledger: Any) -> None:
    ledger.cut(4)
    ledger.restart()
    decide(ledger)
    ledger.restart()
    ledger.add("6", "7", "8")
    ledger.keep()
    ledger.cut(6)
    ledger.restart()
    assert "while the anchor has 8" in ledger.keeper.alarm


def test_a_ledger_that_is_what_was_signed_has_nothing_to_recover_from(ledger: Any) -> None:
    with pytest.raises(NothingToRecover):
        decide(ledger)


def test_nobody_goes_on_with_entries_that_do_not_hash(ledger: Any) -> None:
    with ledger.database.writing() as connection:
        flipped(ENTRIES.body, ENTRIES.revision == 3, connection)
    ledger.cut(6)
    ledger.restart()
    with pytest.raises(CannotRecover, match="entry 3 no longer has the hash"):
        decide(ledger)
    assert refuses(ledger)


def test_the_operator_may_go_on_without_an_anchor_that_can_be_read(ledger: Any) -> None:
    ledger.anchor_path.write_bytes(b"nonsense")
    ledger.restart()
    assert decide(ledger).anchor_size == 0
    ledger.restart()
    ledger.keep()
    assert (ledger.keeper.alarm, ledger.latest().size) == ("", 11)
