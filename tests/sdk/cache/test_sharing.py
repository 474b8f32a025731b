"""Pulls beside each other: each file is received once, and nobody waits for ever."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from muniment.cache.cache import Cache
from muniment.cache.locks import DigestLock
from muniment.cache.settings import CacheSettings
from muniment.transfer import obtaining

LARGE = 12 * 1024 * 1024


def test_two_pulls_beside_each_other_fetch_each_file_once(
    registry, connect_again, model, tmp_path, contents, fetched
) -> None:
    version = registry.push("churn", model)
    begun = threading.Barrier(2)
    failed: list[BaseException] = []

    def pull(name: str) -> None:
        try:
            mine = connect_again()
            begun.wait(60)
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


@pytest.fixture
def left_to_another(registry, model, tmp_path, root, cached) -> Iterator[DigestLock]:
    """The lock of a file that the cache lost, held as by a process that receives it."""
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(model / "weights.bin")
    path.unlink()
    held = DigestLock.attempt(root / "locks" / path.name)
    assert held is not None
    yield held
    held.release()


def test_whoever_receives_a_file_and_stands_still_is_not_waited_for(
    registry, model, tmp_path, contents, cached, left_to_another, monkeypatch
) -> None:
    now = itertools.count()
    hours = SimpleNamespace(monotonic=lambda: next(now) * 3600.0, sleep=lambda _: None)
    monkeypatch.setattr(obtaining, "time", hours)
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert not cached(model / "weights.bin").exists()


def test_a_pull_takes_over_from_a_process_that_lets_go(
    registry, model, tmp_path, contents, cached, left_to_another, monkeypatch
) -> None:
    looks: list[float] = []

    def look_again(pause: float) -> None:
        looks.append(pause)
        if len(looks) == 3:
            left_to_another.release()

    monkeypatch.setattr(obtaining, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=look_again))
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert cached(model / "weights.bin").exists()
    assert len(looks) == 3


def test_what_another_process_has_received_is_seen_while_it_is_waited_for(
    registry, model, tmp_path, root, cached, left_to_another, monkeypatch
) -> None:
    digits = cached(model / "weights.bin").name
    size = (model / "weights.bin").stat().st_size
    journal = root / "incoming" / f"{digits}.journal"
    arrived = iter([1_000_000, 5_000_000, 3_000_000])

    def receive_more(_: float) -> None:
        count = next(arrived, None)
        if count is None:
            left_to_another.release()
        else:
            journal.write_text(f"muniment-journal/1 sha256:{digits} {size}\n0 {count}\n")

    monkeypatch.setattr(obtaining, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=receive_more))
    seen: list[int] = []
    registry.pull("churn", tmp_path / "second", progress=lambda _, done, __: seen.append(done))
    small = (model / "config.json").stat().st_size
    assert seen[:3] == [small, small + 1_000_000, small + 5_000_000]
    assert seen == sorted(seen)
    assert seen[-1] == small + size


def test_a_cache_that_is_emptied_all_the_time_fails_no_pull(
    registry, connect_again, tmp_path, contents, home
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for number in range(6):
        (model / f"{number}.bin").write_bytes(random.Random(number).randbytes(200_000 + number * 300_000))
    registry.push("churn", model)
    done = threading.Event()
    failed: list[BaseException] = []

    def collect() -> None:
        cache = Cache(CacheSettings(home / ".cache/muniment", 0, chosen=True))
        try:
            while not done.is_set():
                cache.collect()
        except BaseException as error:
            failed.append(error)
            raise

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for number in range(10):
            assert contents(registry.pull("churn", tmp_path / f"out-{number}")) == contents(model)
    finally:
        done.set()
        collector.join()
    assert failed == []
