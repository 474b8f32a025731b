"""Where a pull may put its files, found out before anything is fetched, and what a killed pull leaves."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
from muniment import errors, local
from muniment.transfer import destination as destinations
from muniment.transfer.destination import check_destination, check_expendable
from muniment.transfer.directory_swap import swap_directories
from muniment.transfer.placing import replaced


def refused(into: Path, *, overwrite: bool = True, registry: Path | None = None) -> str:
    with pytest.raises(errors.DestinationRefused) as caught:
        check_destination(into, overwrite=overwrite, registry=registry)
    return caught.value.message


@pytest.mark.parametrize("name", ["muniment.db", "admin-token"])
def test_the_data_directory_of_a_registry_is_never_replaced(tmp_path, name) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text("x")
    assert "is the data directory of a registry" in refused(tmp_path / "data")


def test_what_holds_the_registry_that_is_pulled_from_is_not_replaced(tmp_path) -> None:
    (tmp_path / "work/registry").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "work")
    for into in ("work", "work/registry", "link/registry"):
        assert "registry" in refused(tmp_path / into, registry=tmp_path / "work/registry")


def test_a_home_and_what_holds_it_are_not_replaced(home) -> None:
    for into in (home, home.parent):
        assert "is or holds your home directory" in refused(into)


def test_what_holds_the_default_registry_is_not_replaced(home) -> None:
    local.default_data_dir().mkdir(parents=True)
    assert "is or holds the data directory of a registry" in refused(home / ".local/share")


def test_a_registry_that_came_while_files_were_fetched_stays(tmp_path) -> None:
    into = tmp_path / "out"
    into.mkdir()
    (into / "old").touch()

    def fetch() -> None:
        with replaced(into, overwrite=True, check=lambda: check_expendable(into, None)) as workshop:
            (workshop.tree / "new").touch()
            (into / "admin-token").touch()

    with pytest.raises(errors.DestinationRefused, match="data directory of a registry"):
        fetch()
    assert sorted(path.name for path in into.iterdir()) == ["admin-token", "old"]


def test_a_mount_point_is_refused_before_anything_is_fetched(tmp_path, monkeypatch) -> None:
    assert "is a mount point" in refused(Path("/proc"), overwrite=False)
    (tmp_path / "a b").mkdir()
    mounts = tmp_path / "mountinfo"
    point = str(tmp_path.resolve() / "a b").replace(" ", "\\040")
    mounts.write_text(f"36 35 98:0 /mnt1 {point} rw,noatime master:1 - ext3 /dev/root rw\n")
    monkeypatch.setattr(destinations, "MOUNTS", mounts)
    assert "is a mount point, which cannot be replaced as a whole" in refused(tmp_path / "a b")


def test_a_destination_below_a_file_is_told_so(tmp_path) -> None:
    (tmp_path / "f.txt").touch()
    assert f"lies below {tmp_path / 'f.txt'}, which is a file" in refused(tmp_path / "f.txt/x/y")


def test_a_parent_that_takes_no_directory_is_told_before_anything_is_fetched(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the superuser may write everywhere
    with pytest.raises(errors.CannotWrite, match=f"{tmp_path} is not open to you for writing"):
        check_destination(tmp_path / "deep/out", overwrite=False)


def test_without_a_working_directory_only_relative_paths_are_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert check_destination(tmp_path / "out", overwrite=False) == tmp_path / "out"
    with pytest.raises(errors.CannotWrite, match="out cannot be used"):
        check_destination(Path("out"), overwrite=False)


def test_a_refusal_of_the_disk_names_the_file_by_the_name_it_was_to_have(tmp_path) -> None:
    def fetch() -> None:
        with replaced(tmp_path / "out", overwrite=False) as workshop:
            (workshop.tree / "w.bin").mkdir()
            (workshop.tree / "w.bin").write_bytes(b"x")

    with pytest.raises(errors.CannotWrite, match=f"^{tmp_path}/out/w.bin cannot be written: Is a directory"):
        fetch()


def test_what_a_killed_pull_left_goes_with_the_next_one_and_what_is_being_filled_stays(tmp_path) -> None:
    left, filling, foreign = (
        tmp_path / name for name in (".muniment-" + "a" * 32, ".muniment-" + "b" * 32, ".muniment-notes")
    )
    for directory in (left, filling, foreign):
        directory.mkdir()
        (directory / "w.bin").touch()
    descriptor = os.open(filling, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with replaced(tmp_path / "out", overwrite=False) as first:
            with replaced(tmp_path / "other", overwrite=False):
                assert first.tree.exists()
    finally:
        os.close(descriptor)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [filling.name, foreign.name, "other", "out"]
    )


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("then", ["model", "other"])
def test_a_pull_that_is_killed_when_all_is_in_place_leaves_nothing_that_is_waited_for(
    tmp_path, monkeypatch, overwrite, then
) -> None:
    destination = tmp_path / "model"
    if overwrite:
        destination.mkdir()
        (destination / "old").touch()
    # What is done last is not done any more.
    with monkeypatch.context() as killed:
        killed.setattr("muniment.transfer.placing.shutil.rmtree", lambda *_, **__: None)
        with replaced(destination, overwrite=overwrite, what="one") as workshop:
            workshop.store.mkdir()
            (workshop.store / "received").touch()
            (workshop.tree / "new").touch()
    assert [path.name for path in destination.iterdir()] == ["new"]
    assert len(list(tmp_path.iterdir())) == 2
    with replaced(tmp_path / then, overwrite=True, what="one") as workshop:
        assert not workshop.store.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"model", then}


def test_where_everything_belongs_to_somebody_else_a_pull_works_and_leaves_nothing(
    tmp_path, monkeypatch
) -> None:
    # As on a disk without owners, or a share that maps root to nobody.
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with replaced(tmp_path / "out", overwrite=False, what="one") as workshop:
        (workshop.tree / "file").write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_where_no_directory_can_be_made_a_pull_ends_with_the_reason(tmp_path, monkeypatch) -> None:
    made = Path.mkdir

    def mkdir(self: Path, *args: Any, **kwargs: Any) -> None:
        if self.name.startswith(".muniment-"):  # an automounter says so of a directory that is there
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        made(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with (
        pytest.raises(errors.CannotWrite, match="out cannot be written: No such file or directory"),
        replaced(tmp_path / "out", overwrite=False),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_swap_without_the_system_call_for_it_puts_the_new_in_place(tmp_path, monkeypatch) -> None:
    for name in ("new", "standing"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    monkeypatch.setattr("muniment.transfer.directory_swap.ctypes.CDLL", lambda *_, **__: object())
    swap_directories(tmp_path / "new", tmp_path / "standing")
    assert [path.name for path in (tmp_path / "standing").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["standing"]
