"""`muniment cache`, and pulls from the command line with no server at all."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.server import ServerProcess

MIB = 1024 * 1024


@pytest.fixture
def pulled(done: Callable[..., str], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The cache after a pull of two large files, the second of them used last."""
    model = tmp_path / "large"
    model.mkdir()
    for name in ("a.bin", "b.bin"):
        (model / name).write_bytes(random.Random(request.node.name + name).randbytes(2 * MIB))
    done("push", "kept", model, "--quiet")
    cache = tmp_path / "cache"
    done("--cache", cache, "pull", "kept", tmp_path / "pulled")
    first = min(
        cache.glob("v1/files/??/*[0-9a-f]"),
        key=lambda path: path.read_bytes() != (model / "a.bin").read_bytes(),
    )
    os.utime(first, ns=(10**18, first.stat().st_mtime_ns))
    return cache


def listed(done: Callable[..., str], cache: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done("cache", "ls", "--json", "--cache", cache).splitlines()]


def test_what_is_kept_is_listed_with_what_was_used_last_first(done, pulled) -> None:
    entries = listed(done, pulled)
    assert [entry["kind"] for entry in entries].count("file") == 2
    assert [entry["kind"] for entry in entries].count("manifest") == 1
    assert entries[-1]["used_time"] == "2001-09-09T01:46:40Z"
    assert entries[-1]["size_bytes"] == 2 * MIB
    assert entries[-1]["digest"].startswith("sha256:")
    (manifest,) = (entry for entry in entries if entry["kind"] == "manifest")
    assert manifest["version"].startswith("projects/default/models/kept/versions/")
    shown = done("cache", "ls", "--cache", pulled)
    assert "kept@" in shown
    assert "2001-09-09 01:46:40Z  file" in shown


def test_what_was_not_used_for_the_longest_time_goes_first(done, pulled) -> None:
    before = listed(done, pulled)
    done("cache", "gc", "--max-size", "3MiB", "--cache", pulled)
    assert listed(done, pulled) == before[:-1]
    (collected,) = (
        json.loads(line)
        for line in done("cache", "gc", "--max-size", "0", "--json", "--cache", pulled).splitlines()
    )
    assert (collected["removed_count"], collected["kept_count"], collected["kept_bytes"]) == (2, 0, 0)
    assert collected["removed_bytes"] == sum(entry["size_bytes"] for entry in before[:-1])
    assert listed(done, pulled) == []
    assert [path for path in pulled.rglob("*") if path.is_file()] == [pulled / "v1/CACHEDIR.TAG"]


def test_a_cache_that_was_never_used_is_empty_and_is_not_made(done, tmp_path) -> None:
    assert listed(done, tmp_path / "none") == []
    assert "Removed 0 B" in done("cache", "gc", "--cache", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_cache_that_is_off_has_nothing_to_collect(cli) -> None:
    assert cli("cache", "ls", "--cache", "off").returncode == 0
    refused = cli("cache", "gc", "--cache", "off")
    assert (refused.returncode, "the cache is off" in refused.stderr) == (2, True)


@pytest.mark.parametrize("size", ["lots", "-1", "10 parsecs", "1e9", ""])
def test_what_is_no_size_is_wrong_usage(cli, size) -> None:
    assert cli("cache", "gc", "--max-size", size).returncode == 2
    if size:
        refused = cli("models", env={"MUNIMENT_CACHE_MAX_BYTES": size})
        assert (refused.returncode, "MUNIMENT_CACHE_MAX_BYTES" in refused.stderr) == (1, True)


def test_a_version_that_was_pulled_is_pulled_again_without_any_server(
    server: ServerProcess, installed, tmp_path, weights
) -> None:
    known = {"MUNIMENT_TARGET": server.address, "MUNIMENT_TOKEN": server.token}
    assert installed("push", "churn", weights, env=known).returncode == 0
    (version,) = (
        json.loads(line)
        for line in installed("pull", "churn", "first", "--json", env=known).stdout.splitlines()
    )
    server.stop()
    selector = f"churn@{version['digest']}"
    again = installed("pull", selector, "second", "--json", env=known)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    facts = ("name", "number", "digest", "state", "size_bytes", "file_count")
    assert [told[fact] for fact in facts] == [version[fact] for fact in facts]
    assert (tmp_path / "second/model.bin").read_bytes() == (weights / "model.bin").read_bytes()
    refused = installed("pull", "churn", "third", env=known)
    assert (refused.returncode, "no registry answers" in refused.stderr) == (1, True)
    unknown = installed("pull", f"churn@sha256:{'0' * 64}", "fourth", env=known)
    assert unknown.returncode == 1
    assert "is not in the cache in" in unknown.stderr
    assert "no registry answers" in unknown.stderr
