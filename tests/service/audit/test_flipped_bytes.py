"""Whatever single byte of the ledger or of the tables it tells of is another one: fsck names the place."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from harness.tampering import Unchangeable, sampled
from muniment_core.db.schema import metadata
from muniment_server.fsck.difference import Difference

ROWS, ROWS_OF_SOAK = 2, 100
"""Rows of each table of the ledger in which each column is changed."""

LEDGER_TABLES = {
    "ledger_entries": "{revision}",
    "ledger_nodes": "{level}/{position}",
    "ledger_head": "{id}",
    "ledger_checkpoints": "{size}",
    "ledger_keys": "{revision}",
    "ledger_recoveries": "{revision}",
    "requests": "{principal}/{request_id}",
}
"""Tables of the ledger, and what their rows are called by."""

UNTOLD = {
    # Nothing follows from these: keys that nothing but the database uses, times of bookkeeping, secrets.
    "instance": {"page_token_key", "create_time"},
    "ledger_checkpoints": {"time"},
    "prediction_senders": {"sender", "sequence"},
    "version_metrics": {"id"},
    "file_inspections": {
        *("project_id", "digest", "ruleset", "format", "verdict", "report", "inspect_time"),
    },
    "held_chunks": {"add_time", "lease_time"},
    "manifests": {"add_time", "lease_time"},
    "condemned_blobs": {"shelf", "digest", "size", "fate", "time"},
    "collections": {"id", "epoch"},
    "verified_files": {"project_id", "digest", "chunks_digest", "add_time"},
}
"""Columns of which the ledger says nothing, for the reason given."""

BOUND_TABLES = sorted(
    table.name for table in metadata.tables.values() if table.name not in (*LEDGER_TABLES, "instance")
)


REFUSED = {("ledger_head", "id"), ("version_params", "text"), ("version_params", "number")}
"""Columns that PostgreSQL's own constraints keep some values of, for whoever writes."""


TOLD_BY = {
    # A body that is another one may still be one.
    ("ledger_entries", "body"): {"leaf_hash"},
    # A request of another entry has not what that one says of its own.
    ("requests", "revision"): {"time", "response"},
}
"""Columns of which others tell."""

TOLD_ELSEWHERE = {("projects", "id"), ("models", "id"), ("model_tags", "key"), ("version_tags", "key")}
"""Columns that may be named in the table of what the row belongs to, or of what belongs to it."""


def is_named(found: list[Difference], table: str, column: str, row: dict[str, Any]) -> bool:
    """Whether one of the differences names the row and the column that was changed."""
    key = LEDGER_TABLES[table]
    columns = {column} | TOLD_BY.get((table, column), set())
    # By its new name the row is surplus or wrong, by the old one it is missing: either tells of the place.
    enough = any if f"{{{column}}}" in key else all
    return any(
        one.table == table
        and enough((one.key == key.format(**row), not columns.isdisjoint(one.column.split(", "))))
        for one in found
    )


@contextmanager
def flipped(registry: Any, table: str, column: str, row: Any, dice: random.Random) -> Iterator[str]:
    """Flips a byte; yields what became what, or nothing if the database itself refuses it."""
    with ExitStack() as stack:
        try:
            before, after = stack.enter_context(registry.tampering.flipped(table, column, row, dice))
        except Unchangeable:
            assert registry.url
            assert (table, column) in REFUSED
            yield ""
            return
        yield f"{table}.{column}: {before!r} became {after!r}"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("table", LEDGER_TABLES)
def test_a_flipped_byte_in_any_column_of_a_ledger_row_is_named(
    registry: Any, table: str, soak: bool, lines: Any
) -> None:
    dice = random.Random(table)
    assert registry.fsck() == []
    tried = 0
    for column in registry.tampering.columns(table):
        if column in UNTOLD.get(table, ()):
            continue
        rows = sampled(registry.tampering.rows(table), ROWS_OF_SOAK if soak else ROWS, dice)
        for row in rows if not registry.url else range(len(rows)):
            # Rows on PostgreSQL move when they are changed, so that a list of them is soon old.
            place = dice.choice(registry.tampering.rows(table)) if registry.url else row
            values = registry.tampering.values(table, place)
            with flipped(registry, table, column, place, dice) as change:
                if change:
                    found = registry.fsck()
                    assert is_named(found, table, column, values), f"{values}\n{change}\n{lines(found)}"
                    tried += 1
    assert registry.fsck() == []
    print(f"\n{table}: {tried} flipped bytes, each named")


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("table", BOUND_TABLES)
def test_a_flipped_byte_in_any_column_the_ledger_tells_of_is_found(
    registry: Any, table: str, soak: bool, lines: Any
) -> None:
    dice = random.Random(table)
    if table not in UNTOLD:
        assert registry.tampering.rows(table), f"the registry of the tests has nothing in {table}"
    with_bytes = table in (
        *("held_chunks", "manifests", "manifest_chunks", "cold_chunks"),
        "prediction_batches",
    )
    # What is found by the ids of predictions and in which order is in the bodies alone.
    read_bytes = table in ("prediction_ids", "prediction_shares")
    for column in registry.tampering.columns(table):
        if column in UNTOLD.get(table, ()):
            continue
        for _ in range(10 if soak else 1):
            row = dice.choice(registry.tampering.rows(table))
            with flipped(registry, table, column, row, dice) as change:
                if change:
                    found = registry.fsck(with_bytes=with_bytes, read_bytes=read_bytes)
                    # What tables say of bytes is named by the blob.
                    elsewhere = with_bytes or (table, column) in TOLD_ELSEWHERE
                    told = [one for one in found if elsewhere or one.table == table]
                    assert told, f"{change}\n{lines(found)}"
    assert registry.fsck(with_bytes=True) == [], lines(registry.fsck())
