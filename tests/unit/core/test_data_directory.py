"""The data directory: whose it is, who finds the server there, and what a killed server left."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from muniment import local
from muniment.transport.target import Address, local_token
from muniment_server import data_directory
from muniment_server.data_directory import DataDirectory, DirectoryInUse


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataDirectory]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = DataDirectory(tmp_path / "data")
    yield made
    made.unlock()


def test_a_directory_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    DataDirectory(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700


def test_the_address_of_a_killed_server_goes_with_the_lock(directory: DataDirectory) -> None:
    (directory.path / local.SERVER_FILE).write_text(json.dumps({"address": "127.0.0.1:1", "pid": 1}))
    directory.lock()
    assert not (directory.path / local.SERVER_FILE).exists()


def test_a_client_that_looks_for_a_server_does_not_keep_it_from_starting(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However little patience there is with another server.
    monkeypatch.setattr(data_directory, "LOCK_SECONDS", 0.0)
    descriptor = os.open(directory.path / local.LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    release = threading.Timer(0.2, os.close, (descriptor,))
    release.start()
    directory.lock()
    release.join()


def test_a_directory_in_use_is_refused(directory: DataDirectory) -> None:
    directory.lock()
    with pytest.raises(DirectoryInUse, match="is used by another server"):
        DataDirectory(directory.path).lock()


def test_a_server_without_a_state_directory_serves_all_the_same(
    directory: DataDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    directory.announce("127.0.0.1", 7460)
    assert json.loads((directory.path / local.SERVER_FILE).read_text())["address"] == "127.0.0.1:7460"
    assert "local clients need a token" in caplog.text
    directory.withdraw(7460)
    assert not (directory.path / local.SERVER_FILE).exists()


def test_a_server_that_does_not_hold_the_directory_is_shown_its_token_while_it_serves(
    directory: DataDirectory,
) -> None:
    # As every server of a PostgreSQL database: several of them may have one directory.
    directory.write_admin_token("mun_admin")
    directory.announce("127.0.0.1", 7460)
    address = Address.parse("127.0.0.1:7460")
    assert local_token(address) == "mun_admin"
    left = (directory.path / local.SERVER_FILE).read_text()
    directory.withdraw(7460)
    assert local_token(address) is None
    # What a server that was killed left behind is not locked.
    (directory.path / local.SERVER_FILE).write_text(left)
    local.announcement_file(7460).write_text(left)
    assert local_token(address) is None


def test_a_server_takes_back_its_own_word_and_not_that_of_another_in_the_directory(
    directory: DataDirectory,
) -> None:
    directory.announce("127.0.0.1", 7460)
    other = {"address": "127.0.0.1:7461", "pid": os.getppid(), "data": str(directory.path)}
    (directory.path / local.SERVER_FILE).write_text(json.dumps(other))
    directory.withdraw(7460)
    assert json.loads((directory.path / local.SERVER_FILE).read_text()) == other
