"""Nothing that is in the cache is believed: what is not right is never delivered."""

from __future__ import annotations

import os

import pytest
from muniment import errors
from muniment.digests import Digest

LARGE = 12 * 1024 * 1024


def test_small_files_are_copied_and_large_ones_cannot_be_written_to_by_accident(
    registry, model, tmp_path, cached
) -> None:
    registry.push("churn", model)
    out = registry.pull("churn", tmp_path / "out")
    in_cache = cached(model / "weights.bin")
    assert in_cache.stat().st_mode & 0o777 == 0o444
    if (out / "weights.bin").samefile(in_cache):
        assert (out / "weights.bin").stat().st_mode & 0o222 == 0
    assert not (out / "config.json").samefile(cached(model / "config.json"))
    (out / "config.json").write_text("mine")
    again = registry.pull("churn", tmp_path / "again")
    assert (again / "config.json").read_text() == '{"layers": 3}'


@pytest.mark.parametrize("name", ["weights.bin", "config.json"])
def test_a_file_that_was_damaged_in_the_cache_is_never_delivered(
    registry, model, tmp_path, contents, fetched, name, cached, damage
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    fetched.clear()
    damage(cached(model / name))
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert sum(fetched) > 0
    assert cached(model / name).read_bytes() == (model / name).read_bytes()


def test_what_is_written_to_a_pulled_file_does_not_reach_the_next_pull(
    registry, model, tmp_path, contents, damage
) -> None:
    registry.push("churn", model)
    damage(registry.pull("churn", tmp_path / "first") / "weights.bin")
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)


def test_what_stands_for_a_file_and_is_none_is_replaced(
    registry, model, tmp_path, contents, root, cached
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    cached(model / "weights.bin").unlink()
    truncated = cached(model / "config.json")
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


def test_a_chunk_that_is_not_right_in_the_cache_is_fetched(
    registry, model, tmp_path, contents, fetched, cached, damage
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    source = cached(model / "weights.bin")
    (model / "weights.bin").write_bytes((model / "weights.bin").read_bytes() + b"tail")
    registry.push("churn", model)
    damage(source)
    fetched.clear()
    assert contents(registry.pull("churn", tmp_path / "second")) == contents(model)
    assert 0 < sum(fetched) < LARGE


def test_a_directory_of_somebody_else_is_no_cache(
    registry, connect_again, model, tmp_path, monkeypatch
) -> None:
    registry.push("churn", model)
    connect_again(cache=tmp_path / "theirs").pull("churn", tmp_path / "out")
    assert (tmp_path / "theirs/v1").stat().st_mode & 0o077 == 0
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(errors.CacheRefused, match="belongs to another user"):
        connect_again(cache=tmp_path / "theirs").pull("churn", tmp_path / "again")


def test_what_had_arrived_is_hashed_and_only_what_is_right_is_not_fetched(
    registry, model, tmp_path, contents, root, fetched, cached
) -> None:
    registry.push("churn", model)
    data = (model / "weights.bin").read_bytes()
    registry.pull("churn", tmp_path / "first")
    path = cached(model / "weights.bin")
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
    registry, model, tmp_path, contents, root, journal, cached
) -> None:
    registry.push("churn", model)
    registry.pull("churn", tmp_path / "first")
    path = cached(model / "weights.bin")
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


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"{}",
        b'{"target": "t", "name": "projects/P/models/churn/versions/1", "number": 1, "digest": "D", '
        b'"state": "NONE", "size_bytes": 1, "file_count": 1}',
        b'{"target": "t", "name": "projects/P/models/churn/versions/2", "number": 1, "digest": "D", '
        b'"state": "READY", "size_bytes": 1, "file_count": 1}',
        b'{"target": "t", "name": "projects/P/models/churn/versions/1", "number": 1, "digest": "D", '
        b'"state": "READY", "size_bytes": "1", "file_count": 1}',
    ],
)
def test_a_remembered_version_that_makes_no_sense_is_asked_for(
    registry, model, tmp_path, root, record
) -> None:
    version = registry.push("churn", model)
    registry.pull("churn", tmp_path / "out")
    (path,) = root.glob("versions/*/churn/*")
    project = path.parents[1].name
    path.write_bytes(
        record.replace(b"P/", project.encode() + b"/").replace(b'"D"', f'"{version.digest}"'.encode())
    )
    assert registry.resolve(f"churn@{version.digest}").size_bytes == version.size_bytes
