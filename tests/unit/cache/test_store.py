"""Files of the cache: how they come into place, and what is not right and goes."""

from __future__ import annotations

import fcntl
import itertools
import os
import random
import time
from pathlib import Path

import pytest
from muniment.cache.linking import Linker, hash_open
from muniment.cache.locks import DigestLock
from muniment.cache.manifests import ManifestStore
from muniment.cache.partial import Partial
from muniment.cache.retention import ABANDONED_SECONDS, Retention
from muniment.cache.seal import Seal
from muniment.cache.store import FileStore
from muniment.digests import Digest
from muniment.file_parts import Part
from muniment.manifest import ListedFile

MIB = 1024 * 1024
DATA = random.Random(3).randbytes(6 * MIB)


class Copying(Linker):
    """A file system that shares nothing."""

    def share(self, source: Path, descriptor: int, destination: Path) -> bool:
        return False


class Linking(Linker):
    """A file system that has hard links alone."""

    def __init__(self) -> None:
        super().__init__()
        self._reflinks = False


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    made = FileStore(tmp_path / "v1")
    made.make()
    return made


def admitted(store: FileStore, data: bytes) -> ListedFile:
    file = ListedFile("w.bin", Digest.of(data).text, len(data))
    partial = store.partial(file)
    partial.path.write_bytes(data)
    store.admit(file, partial)
    return file


@pytest.mark.parametrize("linker", [Linker, Linking, Copying])
def test_a_file_comes_into_place_by_every_way(store, tmp_path, linker) -> None:
    file = admitted(store, DATA)
    assert store.put(file, tmp_path / "w.bin", linker())
    assert (tmp_path / "w.bin").read_bytes() == DATA
    shares = (tmp_path / "w.bin").samefile(store.path(file.digest))
    assert shares if linker is Linking else not shares or linker is Linker


def test_where_files_can_share_bytes_the_pulled_one_is_a_file_of_its_own(
    store, tmp_path, monkeypatch
) -> None:
    def share(target: int, request: int, source: int) -> int:
        assert request == 0x40049409
        assert os.sendfile(target, source, 0, len(DATA)) == len(DATA)
        return 0

    file = admitted(store, DATA)
    monkeypatch.setattr("muniment.cache.linking.fcntl.ioctl", share)
    assert store.put(file, tmp_path / "w.bin", Linker())
    assert (tmp_path / "w.bin").read_bytes() == DATA
    assert (tmp_path / "w.bin").stat().st_nlink == store.path(file.digest).stat().st_nlink == 1
    (tmp_path / "w.bin").write_bytes(b"mine")
    assert store.put(file, tmp_path / "again.bin", Linker())
    assert (tmp_path / "again.bin").read_bytes() == DATA


@pytest.mark.parametrize("linker", [Linker, Linking, Copying])
@pytest.mark.parametrize("data", [DATA, b"small"], ids=["large", "small"])
def test_a_file_that_was_changed_comes_into_no_place_and_goes(store, tmp_path, linker, data) -> None:
    file = admitted(store, data)
    path = store.path(file.digest)
    path.chmod(0o644)
    with path.open("r+b") as changed:
        changed.write(b"X")
    assert not store.put(file, tmp_path / "w.bin", linker())
    assert not (tmp_path / "w.bin").exists()
    assert list(path.parent.iterdir()) == []


def test_a_file_that_is_used_again_and_again_is_hashed_once(store, tmp_path, monkeypatch) -> None:
    file = admitted(store, DATA)
    assert store.put(file, tmp_path / "w.bin", Linking())
    for number in range(3):
        monkeypatch.setattr("muniment.cache.store.hash_open", lambda _: pytest.fail("hashed"))
        assert store.put(file, tmp_path / f"{number}", Linking())
        monkeypatch.undo()
    # One link less looks as if something had been done to it.
    (tmp_path / "0").unlink()
    assert store.put(file, tmp_path / "3", Linking())


def test_a_seal_does_not_hide_what_is_written_with_the_old_times(store, tmp_path) -> None:
    file = admitted(store, DATA)
    path = store.path(file.digest)
    path.chmod(0o644)
    before = path.stat()
    with path.open("r+b") as changed:
        changed.write(b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert Seal.of(before).same_bytes(path.stat())
    assert not store.put(file, tmp_path / "w.bin", Linking())


def test_a_file_that_another_process_puts_in_its_place_while_it_is_hashed_stays(
    store, tmp_path, monkeypatch
) -> None:
    file = admitted(store, DATA)
    other = FileStore(store.root)
    hashed = []

    def hash_beside_another(descriptor: int) -> str:
        hashed.append(descriptor)
        if len(hashed) == 1:
            assert other.put(file, tmp_path / "theirs", Linking(), fresh=True)
        return hash_open(descriptor)

    monkeypatch.setattr("muniment.cache.store.hash_open", hash_beside_another)
    assert store.put(file, tmp_path / "ours", Linking())
    assert (tmp_path / "ours").samefile(tmp_path / "theirs")
    assert (tmp_path / "ours").samefile(store.path(file.digest))
    # Theirs is its seal as well.
    assert len(hashed) == 1


def test_a_file_that_is_put_somewhere_all_the_time_is_not_believed_and_not_removed(
    store, tmp_path, monkeypatch
) -> None:
    file = admitted(store, DATA)
    path = store.path(file.digest)
    numbers = itertools.count()

    def hash_and_link(descriptor: int) -> str:
        before = path.stat().st_ctime_ns
        while path.stat().st_ctime_ns == before:  # clocks of file systems tick slowly
            (tmp_path / str(next(numbers))).hardlink_to(path)
        return hash_open(descriptor)

    monkeypatch.setattr("muniment.cache.store.hash_open", hash_and_link)
    assert not store.put(file, tmp_path / "w.bin", Linking())
    monkeypatch.undo()
    assert store.put(file, tmp_path / "w.bin", Linking())


def test_what_is_written_while_a_file_is_hashed_is_found_whatever_its_times_say(
    store, tmp_path, monkeypatch
) -> None:
    file = admitted(store, DATA)
    path = store.path(file.digest)
    path.chmod(0o644)

    def hash_before_a_write(descriptor: int) -> str:
        found = hash_open(descriptor)
        before = path.stat()
        while path.stat().st_ctime_ns == before.st_ctime_ns:  # clocks of file systems tick slowly
            with path.open("r+b") as changed:
                changed.write(b"X")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return found

    monkeypatch.setattr("muniment.cache.store.hash_open", hash_before_a_write)
    assert not store.put(file, tmp_path / "w.bin", Linking())
    assert not (tmp_path / "w.bin").exists()
    assert not path.exists()


@pytest.mark.parametrize("back", [True, False])
def test_a_file_that_goes_while_it_is_put_in_place_is_looked_for_again(store, tmp_path, back) -> None:
    file = admitted(store, DATA)

    class Late(Linking):
        """Somebody makes room before the first link, and somebody else receives the file again."""

        tried = 0

        def share(self, source: Path, descriptor: int, destination: Path) -> bool:
            self.tried += 1
            if self.tried == 1:
                source.unlink()
                if back:
                    admitted(store, DATA)
            return super().share(source, descriptor, destination)

    assert store.put(file, tmp_path / "w.bin", Late()) == back
    assert (tmp_path / "w.bin").exists() == back


def test_a_lock_is_of_one_holder_and_leaves_no_file(tmp_path) -> None:
    path = tmp_path / "lock"
    held = DigestLock.attempt(path)
    assert held is not None
    assert DigestLock.attempt(path) is None
    held.release()
    held.release()
    assert not path.exists()
    again = DigestLock.attempt(path)
    assert again is not None
    again.release()


def test_a_lock_file_that_was_removed_locks_nothing(tmp_path) -> None:
    path = tmp_path / "lock"
    stale = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(stale, fcntl.LOCK_EX)
    path.unlink()
    held = DigestLock.attempt(path)
    os.close(stale)
    assert held is not None
    assert DigestLock.attempt(path) is None
    held.release()


def test_of_an_earlier_attempt_the_chunks_are_kept_that_are_claimed_and_right(tmp_path) -> None:
    file = ListedFile("w.bin", Digest.of(DATA).text, len(DATA))
    parts = [Part(Digest.of(DATA[at : at + MIB]).text, at, MIB) for at in range(0, 6 * MIB, MIB)]
    first = Partial(tmp_path, file)
    first.begin()
    # The first chunk came in two pieces, of the second a byte is wrong, of the third one was not claimed.
    first.path.write_bytes(DATA[: MIB + 5] + b"\0" + DATA[MIB + 6 :])
    for offset, size in ((MIB // 2, MIB // 2), (0, MIB // 2), (MIB, MIB), (2 * MIB, MIB - 1)):
        first.note(offset, size)
    assert first.arrived_bytes() == 3 * MIB - 1
    first.close()
    again = Partial(tmp_path, file)
    kept = again.recover(parts)
    assert kept == parts[:1]
    again.begin(kept)
    again.close()
    assert Partial(tmp_path, file).recover(parts) == parts[:1]
    assert Partial(tmp_path, file).recover([]) == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_received_stays_and_what_was_given_up_goes(store, tmp_path) -> None:
    manifests = ManifestStore(store.root)
    manifests.make()
    retention = Retention(store.root, store, manifests)
    listed = [ListedFile("w.bin", Digest.of(bytes([number])).text, 8 * MIB) for number in range(3)]
    for file in listed:
        partial = store.partial(file)
        partial.begin()
        partial.close()
        partial.path.write_bytes(bytes(8 * MIB))
    old = time.time() - ABANDONED_SECONDS - 60
    for path in (
        store.partial(listed[2]).path,
        store.root / "incoming" / (listed[2].digest[7:] + ".journal"),
    ):
        os.utime(path, (old, old))
    assert retention.collect(40 * MIB).removed_count == 1
    held = store.lock(listed[0].digest)
    assert held is not None
    assert retention.collect(0).removed_count == 1
    held.release()
    assert [entry.digest for entry in retention.entries()] == [listed[0].digest]
    assert retention.collect(0).kept_count == 0
    assert list((store.root / "incoming").iterdir()) == list((store.root / "locks").iterdir()) == []


def test_a_file_too_large_for_the_cache_drives_out_no_other(store) -> None:
    manifests = ManifestStore(store.root)
    manifests.make()
    small = admitted(store, b"small")
    os.utime(store.path(small.digest), (0, 0))
    large = admitted(store, DATA)
    Retention(store.root, store, manifests).collect(2 * MIB)
    assert store.path(small.digest).exists()
    assert not store.path(large.digest).exists()


def test_what_killed_processes_left_is_cleared_up(store) -> None:
    manifests = ManifestStore(store.root)
    manifests.make()
    file = admitted(store, DATA)
    directory = store.path(file.digest).parent
    store.path(file.digest).unlink()
    (directory / ("tmp-" + "0" * 32)).touch()
    os.utime(directory / ("tmp-" + "0" * 32), (0, 0))
    (store.root / "incoming" / ("0" * 64 + ".journal")).touch()
    (store.root / "locks" / ("0" * 64)).touch()
    Retention(store.root, store, manifests).collect(10 * MIB)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
