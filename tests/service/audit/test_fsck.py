"""`muniment-server fsck`: what it finds, what it says, how it ends, beside what it runs."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from harness.population import populate
from muniment_server.cli import main

COPY_ENTRY = "UPDATE ledger_entries SET revision = ? WHERE revision = ?"


@pytest.fixture
def run(home: Path) -> Callable[..., Result]:
    """Runs `muniment-server fsck` in this process."""
    return lambda *arguments: CliRunner().invoke(main, ["fsck", *map(str, arguments)])


def test_a_clean_registry_is_called_clean(run: Callable[..., Result], copied: Any) -> None:
    result = run("--data", copied.data, "--bytes")
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"clean: \d+ entries, 28 versions and \d+ blobs checked\n", result.stdout)


def test_each_difference_is_a_line_and_with_json_an_object(run: Callable[..., Result], copied: Any) -> None:
    copied.tampering.execute("UPDATE ledger_entries SET actor = 'eve' WHERE revision = 7")
    copied.tampering.execute("UPDATE models SET state = 'DELETED' WHERE name = 'Model-0'")
    result = run("--data", copied.data)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:-1] == [
        "ledger_entries 7 actor is 'eve', while its body says 'ann'",
        "models default/Model-0 state is 'DELETED', while the ledger says 'ACTIVE'",
    ]
    result = run("--data", copied.data, "--json")
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert objects[0] == {
        "table": "ledger_entries",
        "key": "7",
        "column": "actor",
        "found": "is 'eve'",
        "expected": "its body says 'ann'",
    }
    assert objects[-1]["differences"] == 2
    assert result.exit_code == 1


def test_where_there_is_no_registry_it_says_so_and_makes_none(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("--data", tmp_path / "nothing")
    assert result.exit_code == 2
    assert "holds no registry" in result.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_directory_that_is_served_is_left_alone(run: Callable[..., Result], server: Any) -> None:
    result = run("--data", server.data)
    assert result.exit_code == 2
    assert "is used by another server" in result.stderr


def test_beside_a_server_that_writes_to_postgresql_it_sees_one_state(
    run: Callable[..., Result], server_factory: Any, migrated_postgres_database: str, tmp_path: Path
) -> None:
    served = server_factory(database=migrated_postgres_database, migrate=False)
    populate(served.data, migrated_postgres_database, rounds=1)
    result = run("--data", served.data, "--database", migrated_postgres_database, "--bytes")
    assert result.exit_code == 0, result.output
    served.stop()


def test_the_last_entry_deleted_is_named(registry: Any, lines: Any) -> None:
    tampering = registry.tampering
    columns = ", ".join(tampering.columns("ledger_entries"))
    [last] = tampering.execute(
        "SELECT * FROM ledger_entries WHERE revision = (SELECT max(revision) FROM ledger_entries)"
    )
    tampering.execute("DELETE FROM ledger_entries WHERE revision = ?", last[0])
    found = registry.fsck()
    marks = ", ".join("?" * len(last))
    tampering.execute(f"INSERT INTO ledger_entries ({columns}) VALUES ({marks})", *last)
    assert f"ledger_entries {last[0]} is missing, while revisions have no gap" in lines(found)
    assert registry.fsck() == []


@pytest.mark.parametrize("seed", range(3))
def test_two_entries_swapped_are_named(registry: Any, seed: int, lines: Any) -> None:
    size = len(registry.tampering.rows("ledger_entries"))
    one, other = random.Random(seed).sample(range(1, size + 1), 2)
    for _ in range(2):  # the second time puts them back
        for before, after in ((one, size + 9), (other, one), (size + 9, other)):
            registry.tampering.execute(COPY_ENTRY, after, before)
        if (found := registry.fsck()) == []:
            break
        assert f"ledger_entries {one} revision is {one}, while its body says {other}" in lines(found)
        assert f"ledger_entries {other} revision is {other}, while its body says {one}" in lines(found)
    else:
        pytest.fail("put back, it is still not clean")


def test_a_consistent_lie_in_table_and_entry_is_betrayed_by_the_tree(copied: Any, lines: Any) -> None:
    from muniment.ledger.merkle import leaf_hash

    [(revision, body)] = copied.tampering.execute(
        "SELECT revision, body FROM ledger_entries WHERE type = 'model.created' LIMIT 1"
    )
    forged = body.replace(b'"actor":"ann"', b'"actor":"eve"')
    copied.tampering.execute(
        "UPDATE ledger_entries SET body = ?, leaf_hash = ?, actor = 'eve' WHERE revision = ?",
        forged,
        leaf_hash(forged),
        revision,
    )
    found = lines(copied.fsck())
    assert "ledger_nodes 1/" in found
    assert "ledger_head 1 root_hash is" in found


def test_a_missing_blob_is_named_and_a_damaged_one_with_bytes(copied: Any, lines: Any) -> None:
    first, second = sorted((copied.data / "cas/sha256").glob("*/*"))[:2]
    first.unlink()
    content = bytearray(second.read_bytes())
    content[0] ^= 1
    second.chmod(0o600)
    second.write_bytes(content)
    found = lines(copied.fsck(read_bytes=True))
    assert f"blobs sha256:{first.name} is " in found
    assert f"blobs sha256:{second.name} is damaged" in found
    assert len(copied.fsck(with_bytes=True)) >= 1


@pytest.mark.parametrize("table", ["held_chunks", "cold_chunks", "manifests"])
def test_a_digest_that_is_no_text_is_named(run: Callable[..., Result], copied: Any, table: str) -> None:
    copied.database.close()
    copied.tampering.execute(
        f"UPDATE {table} SET digest = CAST(x'736861323536b5' AS TEXT) "
        f"WHERE rowid = (SELECT min(rowid) FROM {table})"
    )
    for options in ((), ("--json",)):
        result = run("--data", copied.data, "--bytes", *options)
        assert result.exit_code == 1, result.output
        assert r"sha256\udcb5" in result.stdout.replace(r"\\", "\\")


def test_a_file_that_is_no_longer_a_database_is_a_difference(run: Callable[..., Result], copied: Any) -> None:
    copied.database.close()
    path = copied.data / "muniment.db"
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    result = run("--data", copied.data)
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith(("database ", "schema "))


def test_an_unknown_type_of_entry_changes_nothing(copied: Any) -> None:
    from harness.population import storage
    from muniment_core.db.writer import Change
    from muniment_core.domain.ledger import EntryDraft
    from muniment_server.core import running_core

    with running_core(storage(copied.data)) as core:
        draft = EntryDraft(type="weather.changed", project="default", data={"to": "rain", "degrees": 1.5})
        core.writer.submit(Change(lambda unit: unit.record(draft), "ann")).result()
    assert copied.fsck() == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_clean_registry_never_raises_a_false_alarm(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, soak: bool, lines: Any
) -> None:
    from muniment_core.db.database import Database
    from muniment_server.fsck.run import Fsck

    wanted, clean = 1000 if soak else 30, 0
    data, url = tmp_path / "data", ""
    if kind == "postgresql":
        url = request.getfixturevalue("migrated_postgres_database")

    def check() -> None:
        nonlocal clean
        found = list(Fsck(database, None, progress=lambda _what, _count: None).tables())
        assert found == [], lines(found)
        clean += 1

    database = Database(url) if url else Database.embedded(data)
    populate(data, url, rounds=wanted // 30 + 1, after_each=check)
    database.close()
    assert clean >= wanted
    print(f"\n{clean} clean runs, no false alarm")
