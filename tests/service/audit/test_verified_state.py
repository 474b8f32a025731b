"""`muniment audit verify` in full: what the registry shows otherwise than its ledger tells is named."""

from __future__ import annotations

import math
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import muniment
import pytest

COLUMNS_SEEN = (
    "type",
    "time",
    "actor",
    "project",
    "model",
    "stage",
    "number",
    "previous_number",
    "digest",
    "reason",
    "body",
    "leaf_hash",
)
"""Columns of an entry that a client is told; the revision decides in which order."""


def can_be_said(column: str, value: object) -> bool:
    """Whether a message can hold a value: a time there is none of and bytes that are no text it cannot."""
    if column == "time":
        return False
    if isinstance(value, bytes) and column not in ("body", "leaf_hash"):
        try:
            value.decode()
        except UnicodeDecodeError:
            return False
    return True


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_flipped_byte_in_any_column_of_any_entry_is_named_by_the_client(exposed: Any, soak: bool) -> None:
    dice, tampering = random.Random(5), exposed.tampering
    with exposed.connect() as registry:
        assert registry.audit.verify(full=True)
        tried = unreadable = 0
        for column in COLUMNS_SEEN:
            # A body that is another one may still be one: its hash tells.
            named = "leaf_hash" if column == "body" else column
            for _ in range(100 if soak else 2):
                row = dice.choice(tampering.rows("ledger_entries"))
                revision = tampering.values("ledger_entries", row)["revision"]
                with tampering.flipped("ledger_entries", column, row, dice) as (before, after):
                    what = f"{column} of {revision}: {before!r} became {after!r}"
                    try:
                        found = registry.audit.verify(full=True)
                    except muniment.errors.Internal:
                        # The server cannot read it: that something is wrong is told, and where, by fsck alone.
                        assert not can_be_said(column, after), what
                        unreadable += 1
                    else:
                        start = f"entry {revision} {named} is "
                        assert any(one.startswith(start) for one in found.differences), what
                    tried += 1
                # What the server could not read must not be what it goes on reading.
                assert not unreadable or registry.audit.verify(full=True), what
        assert registry.audit.verify(full=True)
    print(f"\n{tried} flipped bytes, each told to the client, {unreadable} of them unreadable")


TAMPERED = (
    (
        "versions",
        "default/Model-0@2 state is 'ARCHIVED'",
        "UPDATE versions SET state = 'ARCHIVED' WHERE id = 2",
    ),
    (
        "versions",
        "default/Model-0@2 description and tags is",
        "UPDATE versions SET description = 'better words' WHERE id = 2",
    ),
    (
        "versions",
        "default/Model-0@2 digest is",
        "UPDATE versions SET digest = (SELECT digest FROM versions WHERE id = 1) WHERE id = 2",
    ),
    ("versions", "default/Model-0@2 author is 'eve'", "UPDATE versions SET author = 'eve' WHERE id = 2"),
    (
        "versions",
        "default/Model-0@2 update_time is",
        "UPDATE versions SET update_time = update_time + 1 WHERE id = 2",
    ),
    (
        "versions",
        "default/Model-0@2 frozen record is",
        "UPDATE versions SET record = (SELECT record FROM versions WHERE id = 1) WHERE id = 2",
    ),
    (
        "version_metrics",
        "default/Model-0@2 metrics of revision",
        "UPDATE version_metrics SET value = 0.99, special = '' WHERE version_id = 2 AND key = 'f1' AND is_latest",
    ),
    (
        "version_metrics",
        "default/Model-0@1 metrics of revision",
        "UPDATE version_metrics SET dataset = 'other' WHERE version_id = 1",
    ),
    (
        "version_metrics",
        "default/Model-0@2 metrics of revision",
        "UPDATE version_metrics SET step = step + 1 WHERE version_id = 2 AND NOT is_latest",
    ),
    (
        "version_metrics",
        "default/Model-0@2 shows metric loss as",
        "UPDATE version_metrics SET is_latest = NOT is_latest WHERE version_id = 2 AND key = 'loss'",
    ),
    (
        "version_metrics",
        "default/Model-0@2 metrics of revision",
        "DELETE FROM version_metrics WHERE version_id = 2 AND NOT is_latest",
    ),
    (
        "version_metrics",
        "default/Model-0@2 has 1 values of metrics",
        "INSERT INTO version_metrics (version_id, key, value, special, step, dataset, reporter, measure_time, "
        "is_latest, revision) SELECT 2, key, 0.99, '', step, dataset, reporter, measure_time, false, revision "
        "FROM version_metrics WHERE id = 1",
    ),
    (
        "aliases",
        "default/Model-0 alias champion is",
        "UPDATE aliases SET version_id = 1 WHERE name = 'champion' AND version_id = 2",
    ),
    (
        "aliases",
        "default/Model-0 alias champion is",
        "UPDATE aliases SET update_time = update_time + 1 WHERE name = 'champion'",
    ),
    ("aliases", "default/Model-0 alias champion is None", "DELETE FROM aliases WHERE name = 'champion'"),
    (
        "stage_pointers",
        "default/Model-0 stage production is",
        "UPDATE stage_pointers SET version_id = 1 WHERE version_id <> 1",
    ),
    ("stage_pointers", "default/Model-0 stage production is None", "DELETE FROM stage_pointers"),
    ("stage_moves", "default/Model-0 stage production is", "UPDATE stage_moves SET actor = 'eve'"),
    (
        "models",
        "model default/Model-0 is not listed",
        "UPDATE models SET state = 'DELETED' WHERE name = 'Model-0'",
    ),
    (
        "models",
        "model default/Model-0 latest_number is 9",
        "UPDATE models SET latest_number = 9 WHERE name = 'Model-0'",
    ),
    (
        "models",
        "model default/Model-0 creator is 'eve'",
        "UPDATE models SET creator = 'eve' WHERE name = 'Model-0'",
    ),
    (
        "projects",
        "project Risk description is",
        "UPDATE projects SET description = 'better words' WHERE name = 'Risk'",
    ),
    (
        "projects",
        "project Risk create_time is",
        "UPDATE projects SET create_time = create_time + 1 WHERE name = 'Risk'",
    ),
    (
        "project_stages",
        "project default stages is ['staging']",
        "DELETE FROM project_stages WHERE position = 1",
    ),
    (
        "deployments",
        "deployment edge-1 of default/Model-0@production state is 'FAILED'",
        "UPDATE deployments SET state = 'FAILED'",
    ),
    (
        "deployments",
        "deployment edge-1 of default/Model-0@production is not listed",
        "DELETE FROM deployments",
    ),
    ("tokens", "/tokens/2 roles is ['admin']", "UPDATE tokens SET roles = 'admin' WHERE id = 2"),
    ("tokens", "/tokens/2 principal is 'eve'", "UPDATE tokens SET principal = 'eve' WHERE id = 2"),
    ("tokens", "/tokens/2 expire_time is ''", "UPDATE tokens SET expire_time = NULL WHERE id = 2"),
    ("tokens", "/tokens/2 is not listed", "DELETE FROM tokens WHERE id = 2"),
    (
        "ledger_entries",
        "entry 7 says that it is entry 8",
        "DELETE FROM ledger_entries WHERE revision = 7",
    ),
    (
        "ledger_entries",
        "entries, while",
        "DELETE FROM ledger_entries WHERE revision = (SELECT max(revision) FROM ledger_entries)",
    ),
)
"""A table, what is named, and what is done to it."""


def test_tables_that_no_longer_say_what_the_ledger_says_are_named(exposed: Any) -> None:
    tampering = exposed.tampering
    with exposed.connect() as registry:
        for table, named, statement in TAMPERED:
            tampering.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table}")
            tampering.execute(statement)
            found = registry.audit.verify(full=True)
            assert named in "\n".join(found.differences), (statement, found.differences)
            tampering.execute(f"DELETE FROM {table}")
            tampering.execute(f"INSERT INTO {table} SELECT * FROM kept")
            tampering.execute("DROP TABLE kept")
            found = registry.audit.verify(full=True)
            assert found, (statement, found.differences)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_clean_registry_never_raises_a_false_alarm_with_a_client(
    exposed: Any, soak: bool, tmp_path: Path
) -> None:
    dice, model = random.Random(7), "Model-0"
    (tmp_path / "files").mkdir()
    (tmp_path / "files/weights").write_bytes(b"weights")
    with exposed.connect() as registry:
        tokens = []

        def report(number: int) -> None:
            version = registry.show(f"{model}@{number}")
            registry.report_deployment(
                f"edge-{dice.randrange(3)}",
                model=model,
                stage="production",
                number=number,
                digest=version.digest,
                state=dice.choice(["DEPLOYING", "RUNNING", "FAILED"]),
                acted_revision=1,
            )

        changes = (
            lambda number: registry.update(f"{model}@{number}", description=f"words {dice.random()}"),
            lambda number: registry.update_model(model, description=f"words {dice.random()}"),
            lambda number: registry.alias(model, f"alias-{dice.randrange(3)}", to=number),
            lambda number: registry.add_metrics(f"{model}@{number}", {"f1": dice.random(), "loss": math.nan}),
            lambda number: registry.promote(f"{model}@{number}", to="staging", reason="better"),
            lambda number: registry.rollback(model, stage="staging", to=f"{model}@{number}", reason="worse"),
            report,
            lambda _number: tokens.append(registry.create_token("carl", roles=["reader"]).name),
            lambda _number: tokens and registry.revoke_token(tokens.pop()),
            lambda _number: registry.create_project(f"p-{dice.randrange(10**9)}", "of all kinds"),
            lambda number: registry.push(model, tmp_path / "files", metrics={"f1": number}),
        )
        for round_number in range(1000 if soak else 33):
            # What cannot be done now, such as a rollback to what was never there, changes nothing.
            with suppress(muniment.errors.FailedPrecondition):
                changes[round_number % len(changes)](dice.choice((1, 2, 3)))
            found = registry.audit.verify(full=True)
            assert found, found.differences
            assert found.compared == 8, "a model was changed by nobody and left out"


def test_models_that_change_all_the_while_raise_no_alarm(exposed: Any) -> None:
    import threading

    over = threading.Event()

    def promote() -> None:
        with exposed.connect() as mine:
            number = 0
            while not over.is_set():
                number += 1
                mine.update("Model-0@1", description=f"words {number}")
                mine.alias("Model-0", f"alias-{number % 7}", to=1 + number % 2)

    thread = threading.Thread(target=promote)
    thread.start()
    try:
        with exposed.connect() as registry:
            for _ in range(5):
                found = registry.audit.verify(full=True)
                assert found, found.differences
    finally:
        over.set()
        thread.join()
