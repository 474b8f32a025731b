"""Proofs from what is stored, on both databases: every one of them holds, and reading them stays cheap."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from muniment.ledger.proof import LogProof
from muniment.ledger.rotation import verify_rotation
from muniment_core.db.checkpoint_store import CheckpointStore
from muniment_core.db.database import Database
from muniment_core.db.prepared import Prepared, driver_of
from muniment_core.db.signing_tables import ledger_keys
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.db.tree_store import TreeStore
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.writer import Change
from muniment_core.domain.errors import CheckpointPending, EntryNotFound, InvalidField, TreeDamaged
from muniment_core.domain.merkle import Frontier
from muniment_core.domain.proofs import Place
from muniment_core.domain.signing import SignedCheckpoint
from muniment_core.signing.changes import rotate_key
from muniment_metadata import proofs
from muniment_metadata.proof_messages import inclusion_message
from sqlalchemy import delete, insert, select, update

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SIZE = 41


@pytest.fixture
def long_ledger(ledger: Any) -> Any:
    """A ledger of 41 entries, of which 38 are signed."""
    ledger.add(*map(str, range(11, 39)))
    ledger.keep()
    ledger.add("39", "40", "41")
    return ledger


@contextmanager
def reading(ledger: Any) -> Iterator[Reader]:
    with ledger.database.reading() as connection:
        yield Reader(connection, NOW)


def roots(reader: Reader) -> list[bytes]:
    """The root of every size, by hashing what is stored."""
    frontier, found = Frontier(), [Frontier().root]
    for _revision, body, _leaf in reader.tree.bodies(0, limit=SIZE):
        frontier, _ = frontier.append([leaf_hash(body)])
        found.append(frontier.root)
    assert len(found) == SIZE + 1
    return found


def test_every_entry_is_proved_in_every_size(long_ledger: Any) -> None:
    with reading(long_ledger) as reader:
        known = roots(reader)
        for size in range(1, SIZE + 1):
            for revision in {1, size // 2 + 1, max(size - 1, 1), size}:
                proved = proofs.prove_inclusion(reader, None, revision, tree_size=size)
                assert (proved.index, proved.size, proved.root) == (revision - 1, size, known[size])
                verify_inclusion(proved.leaf, revision - 1, size, proved.hashes, known[size])
                assert (proved.checkpoint is not None) == (size in (10, 38))


def test_every_size_is_proved_to_begin_with_every_earlier_one(long_ledger: Any) -> None:
    with reading(long_ledger) as reader:
        known = roots(reader)
        for size in range(1, SIZE + 1):
            for earlier in {1, size // 3 + 1, size // 2 + 1, size}:
                proved = proofs.prove_consistency(reader, None, earlier, size)
                assert (proved.from_root, proved.to_root) == (known[earlier], known[size])
                verify_consistency(earlier, size, known[earlier], known[size], proved.hashes)


def test_without_a_size_the_newest_checkpoint_is_meant(long_ledger: Any) -> None:
    key = long_ledger.key_file.load("example.com/log").public
    with reading(long_ledger) as reader:
        proved = proofs.prove_inclusion(reader, None, 7, tree_size=0)
        assert proofs.prove_consistency(reader, None, 7, 0).to_size == proved.size == 38
        assert proofs.checkpoint(reader, None, min_size=0) == proved.checkpoint
        entry = reader.ledger.entry(7)
    assert entry is not None
    file = LogProof.parse(inclusion_message(proved).tlog_proof)
    assert file.verify(leaf_hash(entry.body), [key], origin="example.com/log").size == 38


def test_what_is_not_signed_yet_is_pending_and_what_never_was_is_refused(long_ledger: Any) -> None:
    with reading(long_ledger) as reader:
        for pending in (
            lambda: proofs.checkpoint(reader, None, min_size=39),
            lambda: proofs.prove_inclusion(reader, None, 39, tree_size=0),
            lambda: proofs.prove_consistency(reader, None, 41, 0),
        ):
            with pytest.raises(CheckpointPending, match=r"has 38 entries, while (39|41) are needed"):
                pending()
        with pytest.raises(EntryNotFound, match="its newest is 41"):
            proofs.prove_inclusion(reader, None, 42, tree_size=0)
        for field, refused in (
            ("min_size", lambda: proofs.checkpoint(reader, None, min_size=42)),
            ("tree_size", lambda: proofs.prove_inclusion(reader, None, 5, tree_size=42)),
            ("tree_size", lambda: proofs.prove_inclusion(reader, None, 5, tree_size=4)),
            ("from_size", lambda: proofs.prove_consistency(reader, None, 42, 0)),
            ("to_size", lambda: proofs.prove_consistency(reader, None, 5, 42)),
            ("to_size", lambda: proofs.prove_consistency(reader, None, 5, 4)),
        ):
            with pytest.raises(InvalidField) as caught:
                refused()
            assert caught.value.field == field


def test_a_proof_that_would_not_hold_is_not_told(long_ledger: Any) -> None:
    with long_ledger.database.writing() as connection:
        connection.execute(update(ledger_nodes).where(ledger_nodes.c.level == 5).values(hash=b"\x00" * 32))
    with reading(long_ledger) as reader:
        with pytest.raises(TreeDamaged, match="of 38 entries"):
            proofs.prove_inclusion(reader, None, 38, tree_size=0)
        with pytest.raises(TreeDamaged):
            proofs.prove_consistency(reader, None, 32, 0)
    with long_ledger.database.writing() as connection:
        connection.execute(delete(ledger_nodes))
    with reading(long_ledger) as reader:
        with pytest.raises(TreeDamaged):
            proofs.prove_inclusion(reader, None, 1, tree_size=0)
        with pytest.raises(TreeDamaged):
            proofs.prove_consistency(reader, None, 32, 0)


def test_keys_come_with_the_statement_of_the_one_before(long_ledger: Any) -> None:
    old = long_ledger.key_file.load("example.com/log")
    new = long_ledger.key_file.prepare_next("example.com/log").public
    long_ledger.writer.submit(Change(lambda unit: rotate_key(unit, old, new), "tester")).result(30)
    with reading(long_ledger) as reader:
        (first, nothing), (second, statement) = proofs.log_keys(reader, None)
    assert (first.revision, first.public, nothing) == (1, old.public, b"")
    assert (second.revision, second.public) == (42, new)
    assert verify_rotation(statement, old.public, revision=42) == new
    added = json.loads(long_ledger.entry(1).body)["data"]
    assert PublicKey.parse(added["key"]) == old.public
    assert added["origin"] == old.public.name


def grow(database: Database, size: int) -> None:
    """Makes the tree larger behind the back of the writer; only what proofs read."""
    rows = [
        {
            **dict.fromkeys(("actor", "project", "model", "stage", "digest", "reason"), ""),
            **{"type": "test.happened", "time": NOW, "number": 0, "previous_number": 0},
            **{"revision": revision, "body": b"%d" % revision, "leaf_hash": leaf_hash(b"%d" % revision)},
        }
        for revision in range(1, size + 1)
    ]
    frontier, nodes = Frontier().append([row["leaf_hash"] for row in rows])
    with database.writing() as connection:
        connection.execute(insert(ledger_entries), rows)
        connection.execute(
            insert(ledger_nodes),
            [{"level": node.level, "position": node.position, "hash": node.hash} for node in nodes],
        )
        connection.execute(
            update(ledger_head).values(size=size, root_hash=frontier.root, frontier=frontier.to_bytes())
        )


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """The prepared statements that were run, with their values."""
    noted: list[tuple[str, Any]] = []

    def note(prepared: Prepared, dialect: Any, driver: Any, values: Any) -> Any:
        noted.append((prepared.form(dialect).text, prepared.form(dialect).bound(values)))
        return run(prepared, dialect, driver, values)

    run = Prepared.rows_by_driver
    monkeypatch.setattr(Prepared, "rows_by_driver", note)
    return noted


def test_subtrees_that_the_writer_stored_are_found_by_the_first_statement(
    long_ledger: Any, seen: list[tuple[str, Any]]
) -> None:
    with reading(long_ledger) as reader:
        for revision in range(1, SIZE + 1):
            seen.clear()
            proofs.prove_inclusion(reader, None, revision, tree_size=SIZE)
            assert len(seen) == 2


def test_proofs_hold_in_whatever_order_the_rows_of_subtrees_stand(long_ledger: Any) -> None:
    with long_ledger.database.writing() as connection:
        rows = [row._asdict() for row in connection.execute(select(ledger_nodes))]
        connection.execute(delete(ledger_nodes))
        connection.execute(insert(ledger_nodes), sorted(rows, key=lambda row: row["hash"]))
    test_every_entry_is_proved_in_every_size(long_ledger)
    test_every_size_is_proved_to_begin_with_every_earlier_one(long_ledger)


def test_reading_a_proof_takes_as_many_statements_for_a_long_ledger_and_searches_no_table(
    database: Database, seen: list[tuple[str, Any]]
) -> None:
    grow(database, 3_000)
    with database.reading() as connection:
        reader = Reader(connection, NOW)
        for size in (30, 300, 3_000):
            seen.clear()
            proofs.prove_inclusion(reader, None, size // 2, tree_size=size)
            proofs.prove_consistency(reader, None, size // 3, size)
            assert len(seen) == 4
        assert any("ledger_nodes" in statement for statement, _ in seen)
        explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
        driver = driver_of(connection)
        driver.execute("SELECT 1" if database.is_sqlite else "SET LOCAL enable_seqscan = off")
        for statement, parameters in seen:
            plan = str(driver.execute(explain + statement, parameters).fetchall())
            for table in ("ledger_entries", "ledger_nodes"):
                assert f"SCAN {table}" not in plan, plan
                assert f"Seq Scan on {table}" not in plan, plan


def test_upper_subtrees_are_read_once_for_many_proofs_and_are_no_older_than_what_was_signed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(database, 3_000)
    asked: list[Place] = []

    def note(store: TreeStore, places: Any) -> dict[Place, bytes]:
        wanted = list(places)
        asked.extend(wanted)
        return hashes(store, wanted)

    hashes = TreeStore.hashes
    monkeypatch.setattr(TreeStore, "hashes", note)
    for signed, upper in ((False, 2), (True, 2), (True, 0)):
        asked.clear()
        if signed and upper:
            sign(database)
        with database.reading() as connection:
            proved = proofs.prove_inclusion(Reader(connection, NOW), None, 1, tree_size=2_048)
        verify_inclusion(proved.leaf, 0, 2_048, proved.hashes, proved.root)
        assert (len(proved.hashes), sum(place.level >= 9 for place in asked)) == (11, upper)


def sign(database: Database) -> None:
    """Makes a checkpoint of 2,048 entries, whoever signed it."""
    frontier, _ = Frontier().append([leaf_hash(b"%d" % revision) for revision in range(1, 2_049)])
    with database.writing() as connection:
        connection.execute(
            insert(ledger_keys).values(revision=1, origin="o", public_key=b"k" * 32, create_time=NOW)
        )
        CheckpointStore(connection).add(SignedCheckpoint(2_048, frontier.root, b"note", 1, NOW))
