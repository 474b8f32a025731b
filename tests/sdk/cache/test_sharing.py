"""Pulls beside each other: each file is received once, and nobody waits for ever."""

from __future__ import annotations

import threading
import time

from muniment.cache.locks import DigestLock

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
    connect_again, model, tmp_path, contents, root, cached
) -> None:
    registry = connect_again(timeout=1.0)
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(model / "weights.bin")
    path.unlink()
    held = DigestLock.attempt(root / "locks" / path.name)
    assert held is not None
    try:
        assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    finally:
        held.release()
    assert not path.exists()


def test_a_pull_takes_over_from_a_process_that_lets_go(
    registry, model, tmp_path, contents, root, cached
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(model / "weights.bin")
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
