"""`muniment audit verify` and `audit export`: what a client finds out without believing the server."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import muniment
import pytest
from click.testing import CliRunner, Result
from harness.population import populate
from harness.server import ServerFactory, ServerProcess
from harness.tampering import sampled, tampering_with
from muniment.auditing.export import verify_export, write_export
from muniment.auditing.trust import read_key
from muniment.cli.program import program
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey
from muniment.local import state_directory

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


@pytest.fixture
def served(server_factory: ServerFactory, populated: Path, tmp_path: Path) -> ServerProcess:
    """A server over a populated registry of this test's own."""
    data = tmp_path / "data"
    shutil.copytree(populated, data)
    return server_factory(data=data)


@contextmanager
def connected(server: ServerProcess) -> Iterator[muniment.Registry]:
    with muniment.connect(server.address, token=server.token) as registry:
        yield registry


@pytest.fixture
def audit(served: ServerProcess) -> Callable[..., Result]:
    """Runs `muniment audit …` against the server, in this process."""
    connection = ("--target", served.address, "--token", served.token)
    return lambda *arguments: CliRunner().invoke(program, [*connection, "audit", *map(str, arguments)])


def test_the_first_time_in_full_later_by_consistency(
    audit: Callable[..., Result], served: ServerProcess
) -> None:
    first = audit("verify")
    assert first.exit_code == 0, first.output
    assert "entries lead to the signed root, 8 models are as it tells" in first.stdout
    assert "seen for the first time" in first.stderr
    with connected(served) as registry:
        registry.create_project("later")
        registry.audit.checkpoint(registry.audit.checkpoint().size)
    later = json.loads(audit("verify", "--json").stdout)
    assert not later["is_full"]
    assert later["begins_with"] > 100
    assert later["entries"] == 0
    assert "saw before" in later["trust"]
    assert json.loads(audit("verify", "--full", "--json").stdout)["entries"] >= later["size"]


def test_a_key_that_was_given_is_the_one_believed(audit: Callable[..., Result], tmp_path: Path) -> None:
    key = audit("keys").stdout.strip()
    file = tmp_path / "trusted"
    file.write_text(f"# of the operator\n{key}\n")
    for given in (key, file):
        assert audit("verify", "--key", given).exit_code == 0
    name = key.partition("+")[0]
    stranger = SigningKey.from_seed(name, bytes(32)).public.text
    refused = audit("verify", "--key", stranger)
    assert refused.exit_code == 1
    assert "proves nothing" in refused.stderr
    assert audit("verify", "--key", tmp_path / "none").exit_code == 1


def test_without_a_role_on_the_instance_it_says_what_is_needed_and_what_can_be_done(
    served: ServerProcess, audit: Callable[..., Result]
) -> None:
    with connected(served) as registry:
        secret = registry.create_token("carl", roles=["reader"], project="default").secret
    with muniment.connect(served.address, token=secret) as registry:
        with pytest.raises(muniment.errors.PermissionDenied, match="--project -"):
            registry.audit.verify()
        assert registry.audit.verify(full=False)
        assert registry.audit.verify()


def test_a_key_that_follows_from_the_one_seen_is_believed(served: ServerProcess, tmp_path: Path) -> None:
    from harness.population import storage
    from muniment_server.core import running_core
    from muniment_server.signing import rotate

    with connected(served) as registry:
        first = registry.audit.verify()
    served.stop()
    settings = storage(served.data)
    with running_core(settings) as core:
        rotate(settings, core.database, core.writer)
        core.keeper.keep(core.writer)
    served.restart()
    with connected(served) as registry:
        for full in (None, True):
            later = registry.audit.verify(full=full)
            assert later, later.differences
            assert later.key != first.key
        assert registry.audit.verify(key=first.key, full=True)
        registry.audit.export(tmp_path / "export", key=first.key)
    for key in (first.key, later.key):
        assert verify_export(tmp_path / "export", read_key(key))


def test_another_key_than_the_one_seen_before_is_refused_by_verify_and_export_alike(
    served: ServerProcess, server_factory: ServerFactory, tmp_path: Path
) -> None:
    with connected(served) as registry:
        seen = registry.audit.verify()
    impostor = server_factory("--log-origin", seen.origin)
    with connected(impostor) as registry:
        told = registry.audit.log_keys()[-1].key
        assert told != seen.key
        for full in (True, False):
            with pytest.raises(muniment.errors.LedgerUnproven, match="proves nothing"):
                registry.audit.verify(full=full)
        with pytest.raises(muniment.errors.LedgerUnproven, match="proves nothing"):
            registry.audit.export(tmp_path / "refused")
        assert not (tmp_path / "refused").exists()
        # Who says which key is to be believed is.
        registry.audit.export(tmp_path / "export", key=told)
    with connected(served) as registry:
        registry.audit.export(tmp_path / "right")
    assert verify_export(tmp_path / "right", read_key(seen.key))


def test_a_key_that_took_the_place_of_a_lost_one_is_believed_only_when_it_is_given(
    served: ServerProcess, audit: Callable[..., Result], tmp_path: Path
) -> None:
    from harness.population import storage
    from muniment_server.core import running_core
    from muniment_server.signing import replace_lost

    with connected(served) as registry:
        first = registry.audit.verify()
    served.stop()
    settings = storage(served.data)
    (served.data / "signing-key.pem").unlink()
    with running_core(settings) as core:
        new = replace_lost(settings, core.database, core.writer, reason="the disk died").text
        core.keeper.keep(core.writer)
    served.restart()
    for given in ((), ("--key", first.key), ("--full",)):
        refused = audit("verify", *given)
        assert refused.exit_code == 1
        assert "was lost" in refused.stderr
        assert "give it with --key" in refused.stderr
        assert new in refused.stderr
    for trusted in (None, first.key):
        with pytest.raises(muniment.errors.LedgerUnproven), connected(served) as registry:
            registry.audit.export(tmp_path / "refused", key=trusted)

    told = audit("verify", "--key", new)
    assert told.exit_code == 0, told.output
    # What was seen before is what the ledger still begins with, whoever signs it.
    assert f"begin with the {first.size} seen before" in told.stdout
    assert f"A key was replaced without its word: entry {first.size + 1} says" in told.stdout
    # From now on it is the one that was seen, and the break is named all the same.
    for arguments in (("verify", "--json"), ("verify", "--full", "--json")):
        found = json.loads(audit(*arguments).stdout)
        assert found["key"] == new
        assert len(found["replaced_keys"]) == 1
        assert found["differences"] == []

    with connected(served) as registry:
        registry.audit.export(tmp_path / "export", key=new)
    assert verify_export(tmp_path / "export", read_key(new)).replaced_keys == tuple(found["replaced_keys"])
    with pytest.raises(muniment.errors.LedgerUnproven, match="was lost"):
        verify_export(tmp_path / "export", read_key(first.key))
    # Who never saw it believes the registry, and is told of the break, too.
    shutil.rmtree(state_directory() / "checkpoints")
    newcomer = audit("verify")
    assert newcomer.exit_code == 0
    assert "seen for the first time" in newcomer.stderr
    assert "A key was replaced" in newcomer.stdout


def test_an_older_copy_of_the_database_is_named_and_both_checkpoints_are_kept(
    served: ServerProcess, tmp_path: Path
) -> None:
    served.stop()
    shutil.copytree(served.data, tmp_path / "older")
    served.restart()
    with connected(served) as registry:
        registry.create_project("more")
        registry.audit.checkpoint(registry.audit.checkpoint().size + 1)
        seen = registry.audit.verify()
        assert seen
    served.stop()
    # All of it, the anchor too: nothing on the server knows better.
    shutil.rmtree(served.data)
    shutil.copytree(tmp_path / "older", served.data)
    served.restart()
    with connected(served) as registry:
        found = registry.audit.verify()
        assert not found
        assert f"was {seen.size} entries long and has {found.size} now" in found.differences[0]
        # Growing past what was seen does not heal it.
        while registry.audit.checkpoint().size <= seen.size:
            registry.create_project(f"other-{random.random()}")
        assert "NOT THE ONE SEEN BEFORE" in registry.audit.verify().differences[0]
        assert "NOT THE ONE SEEN BEFORE" in registry.audit.verify(full=True).differences[0]
    kept = sorted(path.name for path in state_directory().glob("checkpoints/*/fork-*"))
    assert len(kept) == 2 * 2 or len(kept) == 2 * 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_flipped_byte_in_any_column_of_any_entry_is_named_by_the_client(
    served: ServerProcess, soak: bool
) -> None:
    dice = random.Random(5)
    with connected(served) as registry, tampering_with(served.data) as tampering:
        assert registry.audit.verify(full=True)
        tried = 0
        unreadable: list[str] = []
        for column in COLUMNS_SEEN:
            for row in sampled(tampering.rows("ledger_entries"), 100 if soak else 2, dice):
                with tampering.flipped("ledger_entries", column, row, dice) as (before, after):
                    try:
                        found = registry.audit.verify(full=True)
                        assert not found, f"{column} of {row}: {before!r} became {after!r}"
                    except muniment.errors.Internal:
                        unreadable.append(column)  # a time there is none of, or bytes that are no text
                    tried += 1
                # What the server could not read must not be what it goes on reading.
                assert not unreadable or registry.audit.verify(full=True), unreadable
                unreadable.clear()
        assert registry.audit.verify(full=True)
    print(f"\n{tried} flipped bytes, each named by the client")


TAMPERED = (
    ("versions", "UPDATE versions SET state = 'ARCHIVED' WHERE id = 2"),
    ("versions", "UPDATE versions SET description = 'better words' WHERE id = 2"),
    ("versions", "UPDATE versions SET digest = (SELECT digest FROM versions WHERE id = 1) WHERE id = 2"),
    ("versions", "UPDATE versions SET author = 'eve' WHERE id = 2"),
    ("versions", "UPDATE versions SET record = CAST(replace(record, 'hinge', 'other') AS BLOB) WHERE id = 2"),
    ("aliases", "UPDATE aliases SET version_id = 1 WHERE name = 'champion' AND version_id = 2"),
    ("aliases", "DELETE FROM aliases WHERE name = 'champion'"),
    ("stage_pointers", "UPDATE stage_pointers SET version_id = 1 WHERE version_id <> 1"),
    ("stage_pointers", "DELETE FROM stage_pointers"),
    ("models", "UPDATE models SET state = 'DELETED' WHERE name = 'Model-0'"),
    ("models", "UPDATE models SET latest_number = 9 WHERE name = 'Model-0'"),
    ("project_stages", "DELETE FROM project_stages WHERE position = 1"),
    ("ledger_entries", "DELETE FROM ledger_entries WHERE revision = 7"),
    (
        "ledger_entries",
        "DELETE FROM ledger_entries WHERE revision = (SELECT max(revision) FROM ledger_entries)",
    ),
)
"""A table, and what is done to it."""


def test_tables_that_no_longer_say_what_the_ledger_says_are_named(served: ServerProcess) -> None:
    with connected(served) as registry, tampering_with(served.data) as tampering:
        tampering.execute("PRAGMA foreign_keys = OFF")
        for table, statement in TAMPERED:
            tampering.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table}")
            tampering.execute(statement)
            found = registry.audit.verify(full=True)
            assert found.differences, statement
            tampering.execute(f"DELETE FROM {table}")
            tampering.execute(f"INSERT INTO {table} SELECT * FROM kept")
            tampering.execute("DROP TABLE kept")
            found = registry.audit.verify(full=True)
            assert found, (statement, found.differences)


def test_models_that_change_all_the_while_raise_no_alarm(served: ServerProcess) -> None:
    import threading

    over = threading.Event()

    def promote() -> None:
        with connected(served) as mine:
            number = 0
            while not over.is_set():
                number += 1
                mine.update("Model-0@1", description=f"words {number}")
                mine.alias("Model-0", f"alias-{number % 7}", to=1 + number % 2)

    thread = threading.Thread(target=promote)
    thread.start()
    try:
        with connected(served) as registry:
            for _ in range(5):
                found = registry.audit.verify(full=True)
                assert found, found.differences
    finally:
        over.set()
        thread.join()


def test_an_export_verifies_without_a_server(
    audit: Callable[..., Result], served: ServerProcess, tmp_path: Path
) -> None:
    key = audit("keys").stdout.strip()
    done = audit("export", tmp_path / "export")
    assert done.exit_code == 0, done.output
    assert audit("export", tmp_path / "export").exit_code == 1
    served.kill9()
    result = CliRunner().invoke(
        program, ["audit", "verify", "--export", str(tmp_path / "export"), "--key", key, "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["entries"] == found["size"] > 100
    assert CliRunner().invoke(program, ["audit", "verify", "--export", str(tmp_path)]).exit_code == 2


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small export, and the key it is verified with."""
    from muniment_core.db.database import Database

    base = tmp_path_factory.mktemp("exported")
    populate(base / "data", rounds=1)
    database = Database.embedded(base / "data")
    with tampering_with(base / "data") as tampering:
        bodies = [body for (body,) in tampering.execute("SELECT body FROM ledger_entries ORDER BY revision")]
        [(note, key, size)] = tampering.execute(
            "SELECT note, (SELECT body FROM ledger_entries WHERE type = 'log.key_added'), size "
            "FROM ledger_checkpoints ORDER BY size DESC LIMIT 1"
        )
    database.close()
    text = bytes(note).decode().rpartition("\n\n")[0] + "\n"
    write_export(base / "export", Checkpoint.parse(text), bytes(note), bodies[:size])
    return base / "export", json.loads(key)["data"]["key"]


@pytest.mark.soak
def test_any_flipped_byte_of_any_file_of_an_export_is_named(
    exported: tuple[Path, str], tmp_path: Path, soak: bool
) -> None:
    source, key = exported
    trusted = read_key(key)
    assert verify_export(source, trusted)
    dice = random.Random(9)
    for name in sorted(path.name for path in source.iterdir()):
        content = (source / name).read_bytes()
        for _ in range(300 if soak else 15):
            directory = tmp_path / "copy"
            shutil.copytree(source, directory)
            changed = bytearray(content)
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
            (directory / name).write_bytes(changed)
            with suppress(muniment.MunimentError):
                assert not verify_export(directory, trusted), f"{name} was changed"
            shutil.rmtree(directory)


@pytest.mark.parametrize("name", ["entries.jsonl", "checkpoint", "keys", "README.md", "SHA256SUMS"])
def test_an_export_that_lacks_a_file_cannot_be_verified(
    exported: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    source, key = exported
    shutil.copytree(source, tmp_path / "copy")
    (tmp_path / "copy" / name).unlink()
    with pytest.raises(muniment.errors.CannotRead):
        verify_export(tmp_path / "copy", read_key(key))


def test_an_export_cut_short_is_named_even_with_its_digests_made_anew(
    exported: tuple[Path, str], tmp_path: Path
) -> None:
    import hashlib

    source, key = exported
    shutil.copytree(source, tmp_path / "copy")
    entries = tmp_path / "copy/entries.jsonl"
    lines = entries.read_bytes().splitlines(keepends=True)
    entries.write_bytes(b"".join(lines[:-1]))
    sums = "".join(
        f"{hashlib.sha256((tmp_path / 'copy' / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("entries.jsonl", "checkpoint", "keys", "README.md")
    )
    (tmp_path / "copy/SHA256SUMS").write_text(sums)
    found = verify_export(tmp_path / "copy", read_key(key))
    assert found.differences == (
        f"entries.jsonl has {len(lines) - 1} entries, while {len(lines)} are signed",
    )


def test_the_program_printed_in_the_readme_of_an_export_finds_the_signed_root(
    exported: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import textwrap

    source, _key = exported
    readme = (source / "README.md").read_text()
    code = textwrap.dedent(readme[readme.index("       import base64") :])
    monkeypatch.chdir(source)
    exec(code, {})
    assert capsys.readouterr().out.strip() == (source / "checkpoint").read_text().splitlines()[2]
