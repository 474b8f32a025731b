"""Which key signs and where the anchor is, as the settings say: what fits starts, what does not is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from muniment.ledger.checkpoint import open_checkpoint
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.unit_of_work import Reader
from muniment_core.signing.key_file import KeyFile, UnusableKey
from muniment_server.cli import main
from muniment_server.core import running_core
from muniment_server.settings import StorageSettings, storage_options, storage_settings


@pytest.fixture
def settings(tmp_path: Path) -> StorageSettings:
    """Those of an embedded registry for which nothing else is said."""
    found: list[StorageSettings] = []

    @click.command()
    @storage_options
    def command(**values: Any) -> None:
        found.append(storage_settings(values))

    assert CliRunner().invoke(command, ["--data", str(tmp_path / "data")]).exit_code == 0
    return found[0]


def start(settings: StorageSettings) -> list[str]:
    """Start and stop a core that signs; the types of the ledger's entries."""
    with running_core(settings, keep_signed=True) as core:
        pass
    with running_core(settings) as core, core.database.reading() as connection:
        reader = Reader(connection, core.execution.clock())
        latest = reader.checkpoints.latest()
        assert latest is not None
        assert latest.size == reader.ledger.size()
        keys = [key.public for key in reader.checkpoints.log_keys()]
        open_checkpoint(latest.note, keys, origin=settings.log_origin or None)
        return [entry.draft.type for entry in reader.ledger.after(0, EntryQuery(), limit=100)]


def test_the_first_start_makes_a_key_for_its_owner_alone_and_names_it_in_the_first_entry(
    settings: StorageSettings,
) -> None:
    assert start(settings) == ["log.key_added", "token.created", "project.created"]
    for name in ("signing-key.pem", "anchor"):
        assert (settings.data / name).stat().st_mode & 0o777 == 0o600
    assert b"BEGIN PRIVATE KEY" in (settings.data / "signing-key.pem").read_bytes()
    assert len(start(settings)) == 3


def test_key_anchor_and_name_can_be_given(settings: StorageSettings, tmp_path: Path) -> None:
    key = KeyFile(tmp_path / "elsewhere.pem")
    public = key.generate("example.com/registry").public
    given = replace(
        settings, signing_key=key.path, anchor=tmp_path / "kept", log_origin="example.com/registry"
    )
    start(given)
    assert not (settings.data / "signing-key.pem").exists()
    assert not (settings.data / "anchor").exists()
    assert b"example.com/registry" in (tmp_path / "kept").read_bytes()
    shown = CliRunner().invoke(main, ["key", "show", "--data", str(settings.data)])
    assert shown.output.splitlines() == [public.text]


def test_a_key_that_was_given_and_is_not_the_logs_is_refused(
    settings: StorageSettings, tmp_path: Path
) -> None:
    other = KeyFile(tmp_path / "other.pem")
    with (
        pytest.raises(UnusableKey, match="openssl genpkey -algorithm ed25519"),
        running_core(replace(settings, signing_key=other.path)),
    ):
        pass
    start(settings)
    before = (settings.data / "signing-key.pem").read_bytes()
    for make, told in (
        (lambda: None, "is not there or not the private key of"),
        (lambda: other.path.mkdir(), "cannot be read"),
        (lambda: (other.path.rmdir(), other.path.write_text("nonsense")), "is not a private key in PEM"),
        (lambda: other.generate("x"), "is not there or not the private key of"),
    ):
        make()
        with pytest.raises(UnusableKey, match=told), running_core(replace(settings, signing_key=other.path)):
            pass
    assert (settings.data / "signing-key.pem").read_bytes() == before


def test_a_log_keeps_its_name(settings: StorageSettings) -> None:
    start(settings)
    with (
        pytest.raises(UnusableKey, match=r"--log-origin example\.com/x cannot"),
        running_core(replace(settings, log_origin="example.com/x")),
    ):
        pass


@pytest.mark.parametrize("name", ["a b", "a+b", "x" * 251])
def test_a_name_no_log_may_have_is_wrong_usage(tmp_path: Path, name: str) -> None:
    done = CliRunner().invoke(main, ["migrate", "--data", str(tmp_path), "--log-origin", name])
    assert done.exit_code == 2, done.output


def test_a_rotation_that_was_cut_off_after_its_entry_is_completed(
    settings: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(settings)
    with monkeypatch.context() as cut:
        cut.setattr("muniment_core.signing.durable.move", _cut_off_at("signing-key.pem"))
        done = CliRunner().invoke(main, ["key", "rotate", "--data", str(settings.data)])
        assert done.exit_code == 1
    assert (settings.data / "signing-key.pem.next").exists()
    assert start(settings)[-1] == "log.key_rotated"
    assert not (settings.data / "signing-key.pem.next").exists()


def _cut_off_at(name: str) -> Callable[[Path, Path], None]:
    def move(source: Path, target: Path) -> None:
        if target.name == name:
            raise PermissionError(13, "cut off", str(target))
        source.replace(target)

    return move


def test_without_its_key_nothing_is_rotated(settings: StorageSettings) -> None:
    start(settings)
    (settings.data / "signing-key.pem").unlink()
    done = CliRunner().invoke(main, ["key", "rotate", "--data", str(settings.data)])
    assert done.exit_code == 1
    assert "only that one can name the next" in done.output


def replace_key(settings: StorageSettings, *arguments: str) -> Any:
    given = ["key", "replace", "--reason", "the disk died", "--data", str(settings.data), *arguments]
    return CliRunner().invoke(main, given)


def test_a_key_that_was_lost_is_replaced_and_the_ledger_says_so(settings: StorageSettings) -> None:
    start(settings)
    (settings.data / "signing-key.pem").unlink()
    done = replace_key(settings)
    assert done.exit_code == 0, done.output
    assert CliRunner().invoke(main, ["key", "show", "--data", str(settings.data)]).output.splitlines()[
        1:
    ] == [done.output.strip()]
    assert (settings.data / "signing-key.pem").stat().st_mode & 0o777 == 0o600
    assert start(settings)[-1] == "log.key_replaced"
    with running_core(settings) as core, core.database.reading() as connection:
        entry = Reader(connection, core.execution.clock()).ledger.entry(4)
        assert entry is not None
        assert entry.draft.reason == "the disk died"
    assert CliRunner().invoke(main, ["fsck", "--data", str(settings.data)]).exit_code == 0


def test_the_key_that_takes_the_place_of_a_lost_one_can_be_given(
    settings: StorageSettings, tmp_path: Path
) -> None:
    start(settings)
    (settings.data / "signing-key.pem").unlink()
    mine = KeyFile(tmp_path / "mine.pem")
    public = mine.generate("x").public
    done = replace_key(settings, "--signing-key", str(mine.path))
    assert done.exit_code == 0, done.output
    assert done.output.strip().rpartition("+")[2] == public.text.rpartition("+")[2]
    assert start(replace(settings, signing_key=mine.path))[-1] == "log.key_replaced"


def test_a_key_is_not_replaced_while_it_is_there_or_another_is_in_its_place(
    settings: StorageSettings, tmp_path: Path
) -> None:
    assert "no key can be lost" in replace_key(settings).output
    start(settings)
    here = settings.data / "signing-key.pem"
    done = replace_key(settings)
    assert done.exit_code == 1
    assert "it is not lost" in done.output
    first = here.read_bytes()
    KeyFile(here).generate("x")
    other = here.read_bytes()
    assert "move it away" in replace_key(settings).output
    assert here.read_bytes() == other
    here.unlink()
    assert replace_key(settings).exit_code == 0
    here.unlink()
    (tmp_path / "first.pem").write_bytes(first)
    done = replace_key(settings, "--signing-key", str(tmp_path / "first.pem"))
    assert "was a key of this log before" in done.output
    assert (
        CliRunner().invoke(main, ["key", "replace", "--reason", " ", "--data", str(settings.data)]).exit_code
        == 2
    )


def test_a_replacement_that_was_cut_off_after_its_entry_is_completed(
    settings: StorageSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(settings)
    (settings.data / "signing-key.pem").unlink()
    with monkeypatch.context() as cut:
        cut.setattr("muniment_core.signing.durable.move", _cut_off_at("signing-key.pem"))
        assert replace_key(settings).exit_code == 1
    assert start(settings)[-1] == "log.key_replaced"
    assert (settings.data / "signing-key.pem").exists()


def test_what_never_ran_has_no_keys_to_show(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["key", "show", "--data", str(tmp_path / "nothing")])
    assert done.exit_code == 1
    assert "never ran" in done.output
    assert not (tmp_path / "nothing").exists()


def test_keys_are_shown_as_json(settings: StorageSettings) -> None:
    start(settings)
    done = CliRunner().invoke(main, ["key", "show", "--json", "--data", str(settings.data)])
    assert '"revision": 1' in done.output
    assert '"active": true' in done.output


def test_recovery_needs_a_reason_and_something_to_recover_from(settings: StorageSettings) -> None:
    start(settings)
    here = ["recover", "--data", str(settings.data), "--reason"]
    assert CliRunner().invoke(main, [*here, " "]).exit_code == 2
    done = CliRunner().invoke(main, [*here, "why not"])
    assert done.exit_code == 1
    assert "there is nothing to recover from" in done.output


def test_a_database_that_was_deleted_is_noticed_and_may_be_begun_anew(settings: StorageSettings) -> None:
    start(settings)
    for path in settings.data.glob("muniment.db*"):
        path.unlink()
    with running_core(settings) as core:
        assert "the ledger has 0 entries, while the anchor has 3" in core.keeper.alarm
    done = CliRunner().invoke(main, ["recover", "--data", str(settings.data), "--reason", "begin anew"])
    assert done.exit_code == 0, done.output
    assert start(settings) == ["log.recovered", "log.key_added", "token.created", "project.created"]
