"""Room for what is going to be received is made or found, or the pull is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from muniment import errors
from muniment.cache.cache import Cache
from muniment.cache.settings import CacheSettings
from muniment.cache.store import PrivateStore
from muniment.digests import Digest
from muniment.manifest import ListedFile
from muniment.transfer.room import with_room

MIB = 1024 * 1024
WANTED = [ListedFile("w.bin", Digest.of(b"wanted").text, 5 * MIB)]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache with a file of 4 MiB."""
    made = Cache(CacheSettings(tmp_path / "cache", 2**40, chosen=True))
    assert made.usable()
    file = ListedFile("old.bin", Digest.of(bytes(4 * MIB)).text, 4 * MIB)
    partial = made.files.partial(file)
    partial.path.write_bytes(bytes(4 * MIB))
    made.files.admit(file, partial)
    return made


@pytest.fixture
def private(tmp_path: Path) -> PrivateStore:
    (tmp_path / "work").mkdir()
    return PrivateStore(tmp_path / "work/store")


@pytest.fixture
def disks(monkeypatch, tmp_path) -> Callable[..., None]:
    """Sets how much is free where the cache is, with nothing in it, and beside the destination."""

    def set_free(*, cache: int, elsewhere: int = 0) -> None:
        def statvfs(path: Path) -> SimpleNamespace:
            held = sum(path.stat().st_size for path in tmp_path.glob("cache/v1/files/??/*"))
            free = cache - held if Path(path).is_relative_to(tmp_path / "cache") else elsewhere
            return SimpleNamespace(f_blocks=1, f_bavail=free, f_frsize=1)

        monkeypatch.setattr(os, "statvfs", statvfs)

    return set_free


def test_nothing_goes_while_there_is_room(cache, private, disks) -> None:
    disks(cache=20 * MIB)
    assert with_room(cache.files, private, cache, WANTED) is cache.files
    assert len(cache.entries()) == 1


def test_what_was_not_used_for_the_longest_time_makes_room(cache, private, disks) -> None:
    disks(cache=8 * MIB)
    assert with_room(cache.files, private, cache, WANTED) is cache.files
    assert cache.entries() == []


def test_a_cache_on_a_disk_too_small_is_passed_by(cache, private, disks, monkeypatch) -> None:
    disks(cache=4 * MIB, elsewhere=8 * MIB)
    with pytest.raises(errors.CannotWrite, match="has no room"):
        with_room(cache.files, private, cache, WANTED)
    monkeypatch.setattr(cache, "is_on_device_of", lambda _: False)
    assert with_room(cache.files, private, cache, WANTED) is private


def test_what_has_arrived_needs_no_room_again(cache, private, disks) -> None:
    cache.files.partial(WANTED[0]).path.write_bytes(os.urandom(5 * MIB))
    disks(cache=5 * MIB)
    assert with_room(cache.files, private, cache, WANTED) is cache.files


def test_a_file_system_that_does_not_tell_its_size_is_tried(cache, private, monkeypatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_blocks=0, f_bavail=0, f_frsize=1))
    assert with_room(cache.files, private, cache, WANTED) is cache.files
