"""What was pulled once is not fetched again, and needs no registry when it is named by its digest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from muniment import errors
from muniment.cache.manifests import ManifestStore
from muniment.transfer.arriving import ArrivingFile
from muniment.v1 import artifact_service_pb2 as pb

LARGE = 12 * 1024 * 1024


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


def test_what_is_in_the_cache_is_looked_through_once_however_many_rounds_a_pull_takes(
    registry, model, tmp_path, contents, fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    fetched.clear()
    data = (model / "weights.bin").read_bytes()
    (model / "weights.bin").write_bytes(data + b"new tail")
    for number in range(5):
        (model / f"{number}.txt").write_bytes(b"new %d" % number)
    registry.push("churn", model)
    monkeypatch.setattr("muniment.transfer.obtaining.ROUND", 1)
    looked: list[int] = []
    newest = ManifestStore.newest

    def noting(self: ManifestStore, most_bytes: int) -> Iterator[pb.Manifest]:
        looked.append(most_bytes)
        return newest(self, most_bytes)

    monkeypatch.setattr(ManifestStore, "newest", noting)
    out = registry.pull("churn", tmp_path / "second")
    assert contents(out) == contents(model)
    assert len(looked) == 1
    assert sum(fetched) < LARGE // 2


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
    registry, nowhere, model, tmp_path, project, cached
) -> None:
    version = registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    cached(model / "weights.bin").unlink()
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


def test_a_cache_that_was_removed_is_made_again(registry, model, tmp_path, contents, root) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    shutil.rmtree(root.parent)
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert root.is_dir()


@pytest.mark.parametrize("error", [KeyboardInterrupt, errors.Unreachable("away")], ids=repr)
def test_without_a_cache_a_pull_that_was_cut_short_is_gone_on_with(
    connect_again, model, tmp_path, contents, fetched, monkeypatch, error
) -> None:
    registry = connect_again(cache=False)
    version = registry.push("churn", model)
    write = ArrivingFile.write

    def cut_short(self: ArrivingFile, offset: int, data: bytes | memoryview) -> None:
        if sum(fetched) > version.size_bytes // 2:
            raise error
        write(self, offset, data)

    with monkeypatch.context() as patched:
        patched.setattr(ArrivingFile, "write", cut_short)
        with pytest.raises((KeyboardInterrupt, errors.Unreachable)):
            registry.pull("churn", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    before = sum(fetched)
    assert contents(registry.pull("churn", tmp_path / "out")) == contents(model)
    assert sum(fetched) - before < 0.7 * version.size_bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]


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


def test_after_a_pull_the_cache_holds_no_more_than_it_may(
    connect_again, model, tmp_path, contents, cached
) -> None:
    registry = connect_again(cache_max_bytes=1_000_000)
    registry.push("churn", model)
    assert contents(registry.pull("churn", tmp_path / "out")) == contents(model)
    assert not cached(model / "weights.bin").exists()
    assert cached(model / "config.json").exists()


def test_parts_of_a_version_are_read_from_the_cache(
    registry, model, tmp_path, monkeypatch, cached, damage
) -> None:
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
    damage(cached(model / "weights.bin"))
    assert opened.read("weights.bin", 6_000_000, 1_000_000) == data[6_000_000:7_000_000]
    assert asked == [1]
