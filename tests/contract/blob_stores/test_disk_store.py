"""What only the store on disk does."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from muniment.digests import Digest
from muniment_artifact.blobs.disk import DiskBlobStore, DiskBlobWriter
from muniment_artifact.blobs.expected import ExpectedBytes
from muniment_artifact.blobs.failures import storage_error
from muniment_artifact.blobs.whole import get_blob, put_blob
from muniment_core.domain.errors import StorageFull, StorageUnavailable

DATA = b"some bytes"
DIGEST = Digest.of(DATA)

_DYING_WRITER = """
import os, signal, sys
from pathlib import Path
from muniment.digests import Digest
from muniment_artifact.blobs.disk import DiskBlobStore
writer = DiskBlobStore(Path(sys.argv[1])).create(Digest.of(b"some bytes"), 10)
writer.write(b"some ")
print("writing", flush=True)
signal.pause()
"""


def _incoming(root: Path) -> list[str]:
    return [path.name for path in (root / "cas" / "incoming").iterdir()]


def test_a_blob_is_a_read_only_file_where_the_layout_says(tmp_path: Path) -> None:
    put_blob(DiskBlobStore(tmp_path), DATA)
    path = tmp_path / "cas" / "sha256" / DIGEST.hex[:2] / DIGEST.hex
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o777 == 0o444


def test_what_a_killed_writer_left_is_removed_at_the_next_start_and_what_a_live_one_writes_is_not(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen([sys.executable, "-c", _DYING_WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"writing\n"
        assert len(_incoming(tmp_path)) == 1
        DiskBlobStore(tmp_path)
        assert len(_incoming(tmp_path)) == 1
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    store = DiskBlobStore(tmp_path)
    assert _incoming(tmp_path) == []
    assert list(store.list()) == []


def test_a_second_server_on_a_shared_disk_does_not_disturb_the_first(tmp_path: Path) -> None:
    writer = DiskBlobStore(tmp_path).create(DIGEST, len(DATA))
    writer.write(DATA)
    other = DiskBlobStore(tmp_path)
    writer.commit()
    assert get_blob(other, DIGEST, len(DATA)) == DATA


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "x.part"
    temporary.touch()
    full = os.open("/dev/full", os.O_RDWR)
    writer = DiskBlobWriter(ExpectedBytes(DIGEST, len(DATA)), temporary, full, target=tmp_path / "blob")
    with pytest.raises(StorageFull) as refused:
        writer.write(DATA)
    assert isinstance(refused.value.__cause__, OSError)
    writer.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageUnavailable),
        (errno.EACCES, StorageUnavailable),
        (errno.EROFS, StorageUnavailable),
    ],
)
def test_every_failure_of_the_system_is_full_or_unavailable(number: int, error: type[Exception]) -> None:
    assert isinstance(storage_error(OSError(number, "x")), error)


def test_a_root_that_is_no_directory_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "cas").write_bytes(b"")
    with pytest.raises(StorageUnavailable):
        DiskBlobStore(tmp_path)


def test_a_store_whose_directory_vanished_is_unavailable(tmp_path: Path) -> None:
    store = DiskBlobStore(tmp_path)
    (tmp_path / "cas" / "incoming").rmdir()
    with pytest.raises(StorageUnavailable):
        store.probe()
    with pytest.raises(StorageUnavailable):
        store.create(DIGEST, len(DATA))


def test_files_of_others_are_not_listed_and_not_removed(tmp_path: Path) -> None:
    store = DiskBlobStore(tmp_path)
    put_blob(store, DATA)
    for stranger in (tmp_path / "cas" / "sha256" / "00" / "README", tmp_path / "cas" / "incoming" / "notes"):
        stranger.write_bytes(b"mine")
    assert [found.digest for found in DiskBlobStore(tmp_path).list()] == [DIGEST]
    assert _incoming(tmp_path) == ["notes"]


def test_what_a_killed_writer_left_can_be_opened_by_the_next_start(tmp_path: Path) -> None:
    store = DiskBlobStore(tmp_path)
    data = b"weights"
    writer = store.create(Digest.of(data), len(data))
    modes = []

    def synchronise(descriptor: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o777)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", synchronise)
        writer.write(data)
        writer.commit()
    assert modes[0] == 0o600, "a leftover that is read-only could not be locked by a server that is not root"
    assert (
        tmp_path / "cas/sha256" / Digest.of(data).hex[:2] / Digest.of(data).hex
    ).stat().st_mode & 0o777 == 0o444


def test_a_leftover_of_another_user_does_not_keep_a_store_from_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DiskBlobStore(tmp_path)
    (tmp_path / "cas" / "incoming" / "a.part").write_bytes(b"")
    real = os.open

    def refuse(path: object, flags: int, *arguments: object, **named: object) -> int:
        if str(path).endswith("a.part"):
            raise PermissionError(13, "not yours")
        return real(path, flags, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)
    DiskBlobStore(tmp_path)
    assert _incoming(tmp_path) == ["a.part"]
