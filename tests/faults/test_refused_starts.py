"""Starts that must not happen: each ends with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from harness.api import Api
from harness.server import ServerFactory, ServerProcess
from muniment_core.db.database import Database
from muniment_core.db.schema import needed_revision
from muniment_server.cli import main
from sqlalchemy import text

_LATER = (
    f"the database has schema 0999_later, while this program knows none after {needed_revision()}: "
    "install a newer release of muniment"
)


def test_a_second_server_on_a_data_directory_is_refused_and_the_first_goes_on(
    server: ServerProcess, refused: Callable[..., str], connect: Callable[[ServerProcess], Api]
) -> None:
    sentence = refused("--data", server.data, "--listen", "127.0.0.1:0")
    assert f"data directory {server.data} is used by another server" in sentence
    connect(server).new_model("churn")


def test_a_data_directory_is_free_again_as_soon_as_its_server_was_killed(server: ServerProcess) -> None:
    server.kill9()
    server.restart()
    server.stop()


def test_a_port_that_is_in_use_is_refused(
    server: ServerProcess, refused: Callable[..., str], tmp_path: Path
) -> None:
    sentence = refused("--data", tmp_path / "other", "--listen", server.address)
    assert f"{server.address} cannot be served on: another process uses it" in sentence


def test_an_address_that_others_can_reach_is_refused_without_insecure(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUNIMENT_INSECURE", "1")  # for clients on this machine
    for address in ("0.0.0.0:0", "example.invalid:7460"):
        sentence = refused("--data", tmp_path / "data", "--listen", address)
        assert "tokens would travel in the clear" in sentence
        assert "--insecure" in sentence
    assert not (tmp_path / "data").exists(), "nothing was made for a server that does not start"


def test_an_address_that_cannot_be_read_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "write HOST:PORT" in refused("--data", tmp_path / "data", "--listen", "somewhere")


def test_a_postgresql_database_that_was_not_migrated_is_refused(
    refused: Callable[..., str], postgres_database: str, tmp_path: Path
) -> None:
    sentence = refused(
        "--data", tmp_path / "data", "--database", postgres_database, "--listen", "127.0.0.1:0"
    )
    assert "the database has schema none" in sentence
    assert "muniment-server migrate" in sentence


def test_a_database_of_a_later_release_is_refused_by_whatever_would_open_it(
    server_factory: ServerFactory, refused: Callable[..., str], database: str | None
) -> None:
    server = server_factory(database=database, migrate=False)
    server.stop()
    opened = Database(database) if database else Database.embedded(server.data)
    with opened.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999_later'"))
    opened.close()
    where = ("--data", str(server.data), *(("--database", database) if database else ()))
    assert _LATER in refused(*where, "--listen", "127.0.0.1:0")
    for command in (
        ("migrate",),
        ("token", "create", "--role", "reader"),
        ("key", "show"),
        ("gc",),
        ("fsck",),
    ):
        done = CliRunner().invoke(main, [*command, *where])
        assert (done.exit_code, done.stdout) == (1, ""), command
        assert _LATER in done.stderr


def test_a_postgresql_that_does_not_answer_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    address = f"postgresql://muniment:secret-word@/registry?host={tmp_path}"
    sentence = refused("--data", tmp_path / "data", "--database", address, "--listen", "127.0.0.1:0")
    assert "the database does not answer" in sentence
    assert "secret-word" not in sentence


def test_one_service_of_an_embedded_database_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    sentence = refused("--data", tmp_path / "data", "--service", "metadata", "--listen", "127.0.0.1:0")
    assert "one SQLite file cannot serve several processes" in sentence


def test_a_sqlite_file_by_address_is_refused_because_no_lock_would_guard_it(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    address = f"sqlite:///{tmp_path}/x.db"
    sentence = refused("--data", tmp_path / "data", "--database", address, "--listen", "127.0.0.1:0")
    assert "--database takes a postgresql:// address" in sentence


@pytest.mark.parametrize("place", [".", "predictions", ".."])
def test_a_cold_tier_where_other_bytes_are_is_refused(
    refused: Callable[..., str], tmp_path: Path, place: str
) -> None:
    data = tmp_path / "data"
    sentence = refused("--data", data, "--cold-dir", data / place, "--listen", "127.0.0.1:0")
    assert "give a directory of its own" in sentence
