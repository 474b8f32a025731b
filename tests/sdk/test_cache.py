"""What was pulled once is not fetched again, and what is not right in the cache is never delivered."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import muniment
import pytest
from muniment import errors
from muniment.cache.locks import DigestLock
from muniment.digests import Digest
from muniment.transfer.arriving import ArrivingFile

LARGE = 12 * 1024 * 1024


@pytest.fixture
def fetched(monkeypatch) -> list[int]:
    """Sizes of what came from a registry."""
    sizes: list[int] = []
    write = ArrivingFile.write

    def count(self: ArrivingFile, offset: int, data: bytes | memoryview) -> None:
        sizes.append(len(data))
        write(self, offset, data)

    monkeypatch.setattr(ArrivingFile, "write", count)
    return sizes


@pytest.fixture
def model(tmp_path) -> Path:
    """A directory with a large file and a small one."""
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "weights.bin").write_bytes(random.Random(1).randbytes(LARGE))
    (directory / "config.json").write_text('{"layers": 3}')
    return directory


@pytest.fixture
def root(home: Path) -> Path:
    """Where the cache is when nobody says anything."""
    return home / ".cache/muniment/v1"


@pytest.fixture
def nowhere() -> Iterator[muniment.Registry]:
    """A connection to an address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with muniment.connect(address, token="mun_x") as connected:
        yield connected


@pytest.fixture
def connect_again(shared_server, project) -> Iterator[Callable[..., muniment.Registry]]:
    """Connects to the registry once more: `connect_again(cache=…)`."""
    opened: list[muniment.Registry] = []

    def again(**options) -> muniment.Registry:
        address, token = shared_server.address, shared_server.token
        opened.append(muniment.connect(address, token=token, project=project, **options))
        return opened[-1]

    yield again
    for registry in opened:
        registry.close()


def cached(root: Path, path: Path) -> Path:
    """The file of the cache with the bytes of another."""
    digits = Digest.of(path.read_bytes()).hex
    return root / "files" / digits[:2] / digits


def damage(path: Path) -> None:
    """Change one byte of a file as a process would that keeps its times."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)[0]
        file.seek(status.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_version_that_was_pulled_is_not_fetched_again(registry, model, tmp_path, contents, fetched) -> None:
    version = registry.push("churn", model)
    assert contents(registry.pull(version, tmp_path / "first")) == contents(model)
    assert sum(fetched) == version.size_bytes
    fetched.clear()
    seen = []
    out = registry.pull("churn", tmp_path / "second", progress=lambda *told: seen.append(told))
    assert contents(out) == contents(model)
    assert fetched == []
    assert seen[-1] == ("pull", version.size_bytes, version.size_bytes)


def test_small_files_are_copied_and_large_ones_cannot_be_written_to_by_accident(
    registry, model, tmp_path, root
) -> None:
    registry.push("churn", model)
    out = registry.pull("churn", tmp_path / "out")
    in_cache = cached(root, model / "weights.bin")
    assert in_cache.stat().st_mode & 0o777 == 0o444
    if (out / "weights.bin").samefile(in_cache):
        assert (out / "weights.bin").stat().st_mode & 0o222 == 0
    assert not (out / "config.json").samefile(cached(root, model / "config.json"))
    (out / "config.json").write_text("mine")
    again = registry.pull("churn", tmp_path / "again")
    assert (again / "config.json").read_text() == '{"layers": 3}'


@pytest.mark.parametrize("name", ["weights.bin", "config.json"])
def test_a_file_that_was_damaged_in_the_cache_is_never_delivered(
    registry, model, tmp_path, contents, root, fetched, name
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    fetched.clear()
    damage(cached(root, model / name))
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert sum(fetched) > 0
    assert cached(root, model / name).read_bytes() == (model / name).read_bytes()


def test_what_is_written_to_a_pulled_file_does_not_reach_the_next_pull(
    registry, model, tmp_path, contents
) -> None:
    registry.push("churn", model)
    damage(registry.pull("churn", tmp_path / "first") / "weights.bin")
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)


def test_what_stands_for_a_file_and_is_none_is_replaced(registry, model, tmp_path, contents, root) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    cached(root, model / "weights.bin").unlink()
    truncated = cached(root, model / "config.json")
    truncated.unlink()
    truncated.write_bytes(b"")
    for path in root.glob("manifests/??/*"):
        path.write_bytes(b"\xff")
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)


def test_a_seal_without_its_file_and_a_file_without_its_seal_cost_no_more_than_hashing(
    registry, model, tmp_path, contents, root, fetched
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    fetched.clear()
    for seal in root.glob("files/??/*.seal"):
        seal.write_text("muniment-seal/1 1 2")
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert fetched == []


def test_of_a_new_version_only_the_chunks_that_changed_are_fetched(
    registry, model, tmp_path, contents, fetched
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    fetched.clear()
    data = (model / "weights.bin").read_bytes()
    (model / "weights.bin").write_bytes(b"new head" + data[: LARGE // 2] + b"new middle" + data[LARGE // 2 :])
    registry.push("churn", model)
    seen = []
    out = registry.pull("churn", tmp_path / "second", progress=lambda *told: seen.append(told))
    assert contents(out) == contents(model)
    assert 0 < sum(fetched) <= 9 * 1024 * 1024
    assert seen[-1][1] == seen[-1][2]


def test_a_chunk_that_is_not_right_in_the_cache_is_fetched(
    registry, model, tmp_path, contents, root, fetched
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    source = cached(root, model / "weights.bin")
    (model / "weights.bin").write_bytes((model / "weights.bin").read_bytes() + b"tail")
    registry.push("churn", model)
    damage(source)
    fetched.clear()
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert 0 < sum(fetched) < LARGE


def test_the_same_bytes_at_several_paths_are_fetched_once(
    registry, model, tmp_path, contents, fetched
) -> None:
    (model / "deep").mkdir()
    (model / "deep/copy.bin").write_bytes((model / "weights.bin").read_bytes())
    version = registry.push("churn", model)
    seen = []
    out = registry.pull("churn", tmp_path / "out", progress=lambda *told: seen.append(told))
    assert contents(out) == contents(model)
    assert sum(fetched) == version.size_bytes - LARGE
    assert seen[-1] == ("pull", version.size_bytes, version.size_bytes)


def test_a_version_named_by_its_digest_needs_no_registry(
    registry, nowhere, model, tmp_path, contents, project
) -> None:
    version = registry.push("churn", model)
    selector = f"{project}/churn@{version.digest}"
    with pytest.raises(errors.Unreachable, match="is not in the cache"):
        nowhere.pull(selector, tmp_path / "early")
    registry.pull("churn", tmp_path / "first")
    assert contents(nowhere.pull(selector, tmp_path / "offline")) == contents(model)
    assert nowhere.resolve(selector).name == version.name
    assert nowhere.open(selector).read("config.json") == b'{"layers": 3}'
    assert contents(nowhere.pull(version, tmp_path / "known")) == contents(model)
    with pytest.raises(errors.Unreachable):
        nowhere.pull(f"{project}/other@{version.digest}", tmp_path / "other")
    with pytest.raises(errors.Unreachable):
        nowhere.pull(f"{project}/churn@1", tmp_path / "numbered")


def test_nothing_is_sent_for_a_digest_that_was_pulled_from_this_registry(
    registry, connect_again, model, tmp_path, contents, monkeypatch
) -> None:
    version = registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    again = connect_again()
    monkeypatch.setattr(again._session.calls, "unary", None)
    monkeypatch.setattr(again._session.calls, "stream", None)
    assert contents(again.pull(f"churn@{version.digest}", tmp_path / "second")) == contents(model)


def test_what_is_missing_without_a_registry_is_told_in_numbers(
    registry, nowhere, model, tmp_path, root, project
) -> None:
    version = registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    cached(root, model / "weights.bin").unlink()
    with pytest.raises(errors.Unreachable, match=r"1 of 2 files are not in the cache"):
        nowhere.pull(f"{project}/churn@{version.digest}", tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_a_version_that_was_deleted_is_for_the_registry_to_give(registry, nowhere, model, tmp_path) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    deleted = registry.delete_version("churn@1")
    with pytest.raises(errors.Unreachable):
        nowhere.pull(deleted, tmp_path / "second")


@pytest.mark.parametrize("off", [False, "off"])
def test_without_a_cache_nothing_is_kept(
    connect_again, model, tmp_path, contents, root, fetched, off
) -> None:
    registry = connect_again(cache=off)
    version = registry.push("churn", model)
    for name in ("first", "second"):
        out = registry.pull("churn", tmp_path / name)
        assert contents(out) == contents(model)
        assert (out / "weights.bin").stat().st_nlink == 1
        assert (out / "weights.bin").stat().st_mode & 0o200
    assert sum(fetched) == 2 * version.size_bytes
    assert not root.exists()


def test_a_named_cache_that_cannot_be_used_is_told_and_the_default_one_is_done_without(
    registry, connect_again, model, tmp_path, contents, home, monkeypatch
) -> None:
    registry.push("churn", model)
    (tmp_path / "file").touch()
    with pytest.raises(errors.CacheRefused, match="file cannot be used"):
        connect_again(cache=tmp_path / "file").pull("churn", tmp_path / "out")
    (home / ".cache").mkdir(exist_ok=True)
    (home / ".cache/muniment").touch()
    assert contents(connect_again().pull("churn", tmp_path / "out")) == contents(model)


def test_a_directory_of_somebody_else_is_no_cache(
    registry, connect_again, model, tmp_path, monkeypatch
) -> None:
    registry.push("churn", model)
    connect_again(cache=tmp_path / "theirs").pull("churn", tmp_path / "out")
    assert (tmp_path / "theirs/v1").stat().st_mode & 0o077 == 0
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(errors.CacheRefused, match="belongs to another user"):
        connect_again(cache=tmp_path / "theirs").pull("churn", tmp_path / "again")


def test_after_a_pull_the_cache_holds_no_more_than_it_may(
    connect_again, model, tmp_path, contents, root
) -> None:
    registry = connect_again(cache_max_bytes=1_000_000)
    registry.push("churn", model)
    assert contents(registry.pull("churn", tmp_path / "out")) == contents(model)
    assert not cached(root, model / "weights.bin").exists()
    assert cached(root, model / "config.json").exists()


def test_two_pulls_beside_each_other_fetch_each_file_once(
    registry, connect_again, model, tmp_path, contents, fetched
) -> None:
    version = registry.push("churn", model)
    begun = threading.Barrier(2)
    failed: list[BaseException] = []

    def pull(name: str) -> None:
        try:
            mine = connect_again()
            begun.wait()
            mine.pull(version, tmp_path / name)
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=pull, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(model)
    assert sum(fetched) == version.size_bytes


def test_whoever_receives_a_file_and_stands_still_is_not_waited_for(
    connect_again, model, tmp_path, contents, root
) -> None:
    registry = connect_again(timeout=1.0)
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(root, model / "weights.bin")
    path.unlink()
    held = DigestLock.attempt(root / "locks" / path.name)
    assert held is not None
    try:
        assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    finally:
        held.release()
    assert not path.exists()


def test_a_pull_takes_over_from_a_process_that_lets_go(registry, model, tmp_path, contents, root) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(root, model / "weights.bin")
    path.unlink()
    held = DigestLock.attempt(root / "locks" / path.name)
    assert held is not None
    puller = threading.Thread(target=registry.pull, args=("churn", tmp_path / "second"))
    puller.start()
    time.sleep(0.3)
    held.release()
    puller.join()
    assert contents(tmp_path / "second") == contents(model)
    assert path.exists()


def test_what_had_arrived_is_hashed_and_only_what_is_right_is_not_fetched(
    registry, model, tmp_path, contents, root, fetched
) -> None:
    registry.push("churn", model)
    data = (model / "weights.bin").read_bytes()
    registry.pull("churn", tmp_path / "first")
    path = cached(root, model / "weights.bin")
    path.unlink()
    half = LARGE // 2
    partial = root / "incoming" / path.name
    # The first half is right, the second is claimed and is not.
    partial.write_bytes(data[:half] + bytes(LARGE - half))
    journal = partial.with_name(partial.name + ".journal")
    journal.write_text(f"muniment-journal/1 sha256:{path.name} {LARGE}\n0 {half}\n{half} {LARGE - half}\n17")
    fetched.clear()
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert LARGE - half <= sum(fetched) < LARGE - half + 5 * 1024 * 1024
    assert list((root / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "journal",
    [
        b"",
        b"\xff\x00",
        b"muniment-journal/2 sha256:DIGITS 12582912\n0 12582912\n",
        b"muniment-journal/1 sha256:DIGITS 5\n0 5\n",
        b"muniment-journal/1 sha256:DIGITS 12582912\n-7 99999999999\n",
        b"muniment-journal/1 sha256:DIGITS 12582912\nx y z\n",
    ],
)
def test_a_journal_that_claims_anything_is_believed_nothing(
    registry, model, tmp_path, contents, root, journal
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(root, model / "weights.bin")
    path.unlink()
    partial = root / "incoming" / path.name
    partial.write_bytes(b"x" * LARGE)
    partial.with_name(partial.name + ".journal").write_bytes(journal.replace(b"DIGITS", path.name.encode()))
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)


def test_files_of_one_digest_and_two_sizes_are_refused(liar, lied_to, tmp_path) -> None:
    liar.add("a.bin", b"good")
    liar.add("b.bin", b"goods", digest=Digest.of(b"good").text)
    with pytest.raises(errors.DownloadRefused, match="have one digest"):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_refused_are_not_kept(liar, lied_to, tmp_path, root) -> None:
    liar.add("w.bin", b"good" * 1_000_000)
    liar.data["w.bin"] = b"evil" * 1_000_000
    with pytest.raises(errors.DownloadRefused):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list((root / "incoming").iterdir()) == []
    assert list((root / "files").rglob("*")) == []


def test_parts_of_a_version_are_read_from_the_cache(registry, model, tmp_path, root, monkeypatch) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "out")
    data = (model / "weights.bin").read_bytes()
    opened = registry.open("churn")
    asked = []
    stream = registry._session.calls.stream
    monkeypatch.setattr(registry._session.calls, "stream", lambda *a, **k: asked.append(1) or stream(*a, **k))
    assert opened.read("weights.bin", 1_000, 5_000) == data[1_000:6_000]
    assert opened.read("config.json") == b'{"layers": 3}'
    assert asked == []
    damage(cached(root, model / "weights.bin"))
    assert opened.read("weights.bin", 6_000_000, 1_000_000) == data[6_000_000:7_000_000]
    assert asked == [1]
