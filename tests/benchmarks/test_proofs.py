"""Proofs and starts of a ledger of a million entries against one of ten thousand: its length must not show.

Embedded ledgers are in memory. Of a file of 700 MiB a system that uses its memory for other things reads a part
from the disk again within a minute, of one of 7 MiB nothing: that would be measured, and vary with the machine.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from harness.bars import BarTable, interleaved
from harness.postgres import PostgresServer
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey
from muniment.ledger.merkle import verify_inclusion
from muniment_core.db import schema
from muniment_core.db.database import Database
from muniment_core.db.signing_tables import ledger_checkpoints, ledger_keys
from muniment_core.db.tables import ledger_entries, ledger_head, ledger_nodes
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.ledger import EntryDraft, entry_body
from muniment_core.domain.merkle import Frontier, leaf_hash
from muniment_core.signing.anchor import Anchored, FileAnchor
from muniment_core.signing.standing import stand
from muniment_metadata.proofs import prove_inclusion
from sqlalchemy import Connection, insert, update

SHORT, LONG = 10_000, 1_000_000
PORTION = 10_000
PROOFS = 300
STARTS = 20
ROUNDS = 5
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MICROSECONDS = int(NOW.timestamp()) * 1_000_000
KEY = SigningKey.from_seed("example.com/log", b"\x07" * 32)
ENTRY_COLUMNS = [column.name for column in ledger_entries.columns]
NODE_COLUMNS = [column.name for column in ledger_nodes.columns]


@contextmanager
def databases(request: pytest.FixtureRequest, kind: str, directory: Path) -> Iterator[dict[int, Database]]:
    """An empty registry per size."""
    made: dict[int, Database] = {}
    postgres: PostgresServer | None = None if kind == "sqlite" else request.getfixturevalue("postgres")
    try:
        for size in (SHORT, LONG):
            if postgres is None:
                (directory / str(size)).mkdir()
                made[size] = Database.embedded(directory / str(size))
            else:
                postgres.create(f"proofs_{size}")
                made[size] = Database(postgres.url(f"proofs_{size}"))
            schema.migrate(made[size], lambda: NOW)
        yield made
    finally:
        for database in made.values():
            database.close()


def load(database: Database, size: int) -> None:
    """Fill the ledger past the writer, with entries such as a registration leaves, and sign its head."""
    frontier = Frontier()
    for start in range(1, size + 1, PORTION):
        entries, leaves = [], []
        for revision in range(start, start + PORTION):
            draft = EntryDraft(
                type="version.created",
                project="default",
                model="churn",
                number=revision,
                digest="sha256:" + "ab" * 32,
                data={"size_bytes": revision * 1024, "files": 3, "record": "sha256:" + "cd" * 32},
            )
            body = entry_body(draft, revision=revision, time=NOW, actor="trainer")
            leaves.append(leaf_hash(body))
            entries.append(
                (
                    *(revision, draft.type, MICROSECONDS, "trainer", "default", "churn", ""),
                    *(revision, 0, draft.digest, "", body, leaves[-1]),
                )
            )
        frontier, nodes = frontier.append(leaves)
        with database.writing() as connection:
            fill(connection, "ledger_entries", ENTRY_COLUMNS, entries)
            fill(
                connection,
                "ledger_nodes",
                NODE_COLUMNS,
                [(node.level, node.position, node.hash) for node in nodes],
            )
    note = Checkpoint(KEY.public.name, size, frontier.root).signed_by(KEY)
    with database.writing() as connection:
        connection.execute(
            update(ledger_head).values(size=size, root_hash=frontier.root, frontier=frontier.to_bytes())
        )
        connection.execute(
            insert(ledger_keys).values(
                revision=1, origin=KEY.public.name, public_key=KEY.public.key, create_time=NOW
            )
        )
        connection.execute(
            insert(ledger_checkpoints).values(
                size=size, root_hash=frontier.root, note=note, key_revision=1, time=NOW
            )
        )
        if not database.is_sqlite:
            connection.exec_driver_sql("ANALYZE")


def fill(connection: Connection, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """The fastest way each database has."""
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        return
    text = io.StringIO()
    for row in rows:
        cells = (f"\\\\x{cell.hex()}" if isinstance(cell, bytes) else str(cell) for cell in row)
        text.write("\t".join(cells) + "\n")
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        copy.write(text.getvalue())


def proving(database: Database, size: int) -> Callable[[], float]:
    """Measures the median of a proof in milliseconds: snapshot, reads and assembly."""
    chosen = random.Random(size)

    def measure() -> float:
        taken = []
        for _ in range(PROOFS):
            revision = chosen.randint(1, size)
            begun = time.perf_counter()
            with database.reading() as connection:
                proved = prove_inclusion(Reader(connection, NOW), "default", revision, tree_size=0)
            taken.append(time.perf_counter() - begun)
        verify_inclusion(proved.leaf, proved.index, size, proved.hashes, proved.root)
        return median(taken) * 1000

    return measure


def starting(database: Database, path: Path) -> Callable[[], float]:
    """Measures the median of the look at a start in milliseconds."""
    anchor = FileAnchor(path)
    with database.reading() as connection:
        latest = Reader(connection, NOW).checkpoints.latest()
    assert latest is not None
    anchor.write(Anchored(latest.note, 0))

    def measure() -> float:
        taken = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            with database.reading() as connection:
                assert stand(Reader(connection, NOW), anchor.read()).verified.size == latest.size
            taken.append(time.perf_counter() - begun)
        return median(taken) * 1000

    return measure


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_proofs_and_starts_do_not_notice_the_length_of_the_ledger(
    request: pytest.FixtureRequest, kind: str, table: BarTable, memory: Path
) -> None:
    with databases(request, kind, memory) as ledgers:
        for size, database in ledgers.items():
            with database.writing() as connection:
                Reader(connection, NOW).projects.create("default", description="", now=NOW, revision=1)
            load(database, size)
        for row, of in (
            ("inclusion proof, p50", lambda size: proving(ledgers[size], size)),
            (
                "look at the ledger at a start, p50",
                lambda size: starting(ledgers[size], memory / f"anchor-{size}"),
            ),
        ):
            measures = {str(size): of(size) for size in (SHORT, LONG)}
            for measure in measures.values():
                measure()
            figures = interleaved(measures, rounds=ROUNDS)
            table.add(
                f"{row}, {LONG:,} entries",
                kind,
                ours=figures[str(LONG)],
                unit="ms",
                against={f"{SHORT:,} entries": figures[str(SHORT)]},
                at_most={f"{SHORT:,} entries": 1.5},
            )
