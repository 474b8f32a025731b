"""A ledger that is not what was signed is noticed before anything is signed or written; the operator decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey
from muniment_core.db.signing_tables import ledger_checkpoints, ledger_keys
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.db.writer import Change
from muniment_core.domain.errors import LedgerRecovery
from muniment_core.signing.anchor import Anchored
from muniment_core.signing.inspection import LedgerDamaged
from muniment_core.signing.recovery import CannotRecover, NothingToRecover, recover
from sqlalchemy import Connection, delete, insert, select, update

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

Damage = Callable[[Connection], object]


def flipped(column: Any, where: Any, connection: Connection, *, at: int = 0) -> None:
    value = connection.execute(select(column).where(where)).scalar_one()
    changed = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
    connection.execute(update(column.table).where(where).values({column.name: changed}))


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
    assert ledger.refuses()
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
    assert ledger.refuses()


def test_the_thread_raises_the_alarm_for_every_process(
    ledger: Any, ledger_of: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    other = ledger_of("other")
    ledger.add("11")
    with ledger.database.writing() as connection:
        flipped(ENTRIES.body, ENTRIES.revision == 11, connection)
    ledger.keeper.start(ledger.writer)
    ledger.until(lambda: ledger.keeper.alarm, "the alarm")
    ledger.until(ledger.refuses, "the refusal")
    # It is told to the database after it holds in its own process.
    ledger.until(other.refuses, "the refusal of the other process")
    other.keep()
    assert other.keeper.alarm == ledger.keeper.alarm
    later = ledger_of("later")
    assert later.keeper.alarm == ledger.keeper.alarm
    assert later.refuses()
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
    assert ledger.refuses()
    assert ledger.head().size == size


def test_an_older_copy_that_went_another_way_is_noticed(ledger: Any) -> None:
    known = ledger.anchor.read()
    ledger.cut(6)
    ledger.anchor.clearing()()
    ledger.restart()
    ledger.add(*(f"another {number}" for number in range(8)))
    ledger.keep()
    ledger.anchor.clearing()()
    ledger.anchor.write(known)
    ledger.restart()
    assert "does not begin with what the anchor was signed over" in ledger.keeper.alarm
    assert ledger.refuses()


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
    assert ledger.refuses()


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
    assert ledger.refuses()
    recovery = decide(ledger)
    assert (recovery.revision, recovery.kept_size, recovery.anchor_size) == (7, 6, 10)
    assert recovery.anchor_root == given_up.root
    entry = ledger.entry(7)
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
    assert follower.refuses()
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
    assert ledger.refuses()


def test_the_operator_may_go_on_without_an_anchor_that_can_be_read(ledger: Any) -> None:
    ledger.anchor_path.write_bytes(b"nonsense")
    ledger.restart()
    assert decide(ledger).anchor_size == 0
    ledger.restart()
    ledger.keep()
    assert (ledger.keeper.alarm, ledger.latest().size) == ("", 11)
