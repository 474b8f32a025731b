"""What a push finds out by itself, and that nothing there can stop it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from muniment.provenance import find_code, find_environment
from muniment.provenance.repository import find_work_tree, without_credentials
from muniment.provenance.text import clean

SCRIPT = "from muniment.provenance import find_code; print(find_code())"


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(directory), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "repo"
    (directory / "jobs").mkdir(parents=True)
    (directory / "jobs/train.py").write_text(SCRIPT)
    git(tmp_path, "init", "-q", str(directory))
    git(directory, "add", ".")
    git(directory, "commit", "-q", "-m", "first")
    git(directory, "remote", "add", "origin", "https://me:secret@git.example.org/team/churn.git")
    return directory


def test_a_script_is_recorded_with_its_commit_and_repository(repository_dir, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, repository_dir / "jobs/train.py"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "entry_point='jobs/train.py'" in done.stdout
    assert "repository='https://git.example.org/team/churn.git'" in done.stdout
    assert "dirty=False" in done.stdout


def test_changed_tracked_files_make_it_dirty_and_new_ones_do_not(repository_dir) -> None:
    (repository_dir / "out.bin").write_text("new")
    assert not find_work_tree(repository_dir).dirty
    (repository_dir / "jobs/train.py").write_text("changed")
    assert find_work_tree(repository_dir).dirty


def test_without_git_or_repository_or_commit_there_is_nothing(repository_dir, tmp_path, monkeypatch) -> None:
    git(tmp_path, "init", "-q", str(tmp_path / "fresh"))
    assert find_work_tree(tmp_path / "fresh") is None
    assert find_work_tree(Path("/proc")) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_work_tree(repository_dir) is None


def test_a_git_that_hangs_is_given_up(repository_dir, tmp_path, monkeypatch) -> None:
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/git"
    fake.write_text("#!/bin/sh\nexec /bin/sleep 1000\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr("muniment.provenance.repository.SECONDS", 0.2)
    assert find_work_tree(repository_dir) is None


def test_a_working_directory_that_is_gone_stops_nothing(tmp_path, monkeypatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    find_code()


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://me:secret@git.example.org/a.git?token=x#y", "https://git.example.org/a.git"),
        ("https://secret@git.example.org:8443/a", "https://git.example.org:8443/a"),
        ("ssh://git:secret@git.example.org/a", "ssh://git@git.example.org/a"),
        ("git@git.example.org:team/a.git", "git@git.example.org:team/a.git"),
        ("me:secret@git.example.org:a", ""),
        ("ext::ssh secret@host", ""),
        ("https://[broken/a", ""),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("", ""),
    ],
)
def test_a_repository_is_recorded_without_credentials(address, kept) -> None:
    assert without_credentials(address) == kept


def test_text_from_outside_is_made_fit() -> None:
    assert clean("a\x00b\udcffc\n" + "x" * 10, 6) == "ab?cxx"


def test_the_environment_names_python_and_packages() -> None:
    found = find_environment()
    assert found.packages["protobuf"]
    assert found.python
    assert found.platform
