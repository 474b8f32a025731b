"""When a file is believed to be what it was, and when it is read again."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from muniment.transfer import memo as memo_module
from muniment.transfer.memo import DIRECTORY, SMALLEST_BYTES, DigestMemo, Look
from muniment.transfer.pieces import HashedFile, Piece
from muniment.transfer.source import SourceFile, find_files

SIZE = SMALLEST_BYTES
LATER = 10_000_000_000


def _later() -> int:
    """The time ten seconds from now."""
    return time.time_ns() + LATER


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(SIZE))
    return path


def _source(path: Path) -> SourceFile:
    [source] = find_files(path)
    return source


def _file(source: SourceFile) -> HashedFile:
    pieces = (Piece("sha256:" + "b" * 64, 0, 1_000), Piece("sha256:" + "c" * 64, 1_000, SIZE - 1_000))
    return HashedFile(source, "sha256:" + "a" * 64, pieces, "fastcdc-1m/1")


def _remember(cache: Path, path: Path, cut: str = "", *, is_all: bool = True) -> HashedFile:
    memo, source = DigestMemo(cache, path, cut, clock=_later), _source(path)
    file = _file(source)
    memo.find(source, memo.look(source))
    memo.remember(file, memo.look(source))
    memo.save(is_all=is_all)
    return file


def _found(cache: Path, path: Path, cut: str = "") -> HashedFile | None:
    memo, source = DigestMemo(cache, path, cut), _source(path)
    return memo.find(source, memo.look(source))


def test_a_file_that_did_not_change_is_known(cache: Path, model: Path) -> None:
    assert _found(cache, model) is None
    file = _remember(cache, model)
    assert _found(cache, model) == file
    assert _found(cache, model, "cut otherwise") is None
    assert (cache / DIRECTORY).stat().st_mode & 0o777 == 0o700


def test_a_file_whose_bytes_changed_is_not_known_whatever_its_times_were_set_to(
    cache: Path, model: Path
) -> None:
    _remember(cache, model)
    before = model.stat()
    # Clocks of file systems tick slowly: what is written in the tick of the last change shows no time of its own.
    while model.stat().st_ctime_ns == before.st_ctime_ns:
        with model.open("r+b") as file:
            file.write(b"other")
        os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert model.stat().st_mtime_ns == before.st_mtime_ns
    assert _found(cache, model) is None


def test_another_file_in_its_place_is_not_known(cache: Path, model: Path) -> None:
    _remember(cache, model)
    other = model.with_name("other")
    other.write_bytes(bytes(SIZE))
    other.rename(model)
    assert _found(cache, model) is None


def test_a_file_touched_a_moment_ago_is_not_remembered(cache: Path, model: Path) -> None:
    source = _source(model)
    for age, known in ((49_999_999, False), (-5, False), (2_000_000_000, True)):
        status = model.stat()
        moment = max(status.st_mtime_ns, status.st_ctime_ns) + age
        memo = DigestMemo(cache, model, "", clock=lambda moment=moment: moment)  # type: ignore[misc]
        memo.remember(_file(source), memo.look(source))
        memo.save(is_all=True)
        assert (_found(cache, model) is not None) == known


SECOND = 1_000_000_000
TICK = 1_796_000_000 * SECOND + 123_456_789
"""A time by the clock of a kernel."""
HUNDREDTH = 1_796_000_000 * SECOND + 120_000_000
WHOLE = 1_796_000_000 * SECOND


@pytest.mark.parametrize(
    ("modified", "changed", "settles_ns"),
    [
        (TICK, TICK, 50_000_000),
        (TICK - SECOND, TICK, 50_000_000),
        (WHOLE, WHOLE, 2 * SECOND),
        (HUNDREDTH, HUNDREDTH, 2 * SECOND),
        # Set by somebody, or of a file system that keeps one of them more finely than the other.
        (WHOLE, TICK, 2 * SECOND),
        (TICK, WHOLE, 2 * SECOND),
    ],
)
def test_a_file_settles_as_fast_as_the_clock_of_its_file_system_allows(
    modified: int, changed: int, settles_ns: int
) -> None:
    for age, is_settled in ((settles_ns, True), (settles_ns - 1, False), (0, False), (-SECOND, False)):
        look = Look((1, 2, 3, modified, changed), max(modified, changed) + age)
        assert look.is_settled == is_settled


def test_a_file_that_changed_since_it_was_found_is_not_looked_up(cache: Path, model: Path) -> None:
    _remember(cache, model)
    source = _source(model)
    model.write_bytes(bytes(SIZE + 1))
    assert DigestMemo(cache, model, "").look(source) is None


def test_small_files_are_not_worth_it(cache: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(SIZE - 1))
    assert DigestMemo(cache, small, "").look(_source(small)) is None


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: bytes([data[0] ^ 1]) + data[1:]]
)
def test_what_a_crash_left_is_not_believed(cache: Path, model: Path, damage) -> None:
    _remember(cache, model)
    [entry] = (cache / DIRECTORY).iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    assert _found(cache, model) is None


def test_what_was_believed_and_wrong_is_forgotten(cache: Path, model: Path) -> None:
    _remember(cache, model)
    memo, source = DigestMemo(cache, model, ""), _source(model)
    assert memo.find(source, memo.look(source)) is not None
    memo.forget()
    assert _found(cache, model) is None


def test_what_was_not_used_for_the_longest_time_goes_first(
    cache: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo_module, "MOST_PUSHES", 2)
    for number, cut in enumerate("abc"):
        _remember(cache, model, cut)
        [newest] = [path for path in (cache / DIRECTORY).iterdir() if path.stat().st_mtime_ns > 10**18]
        os.utime(newest, ns=(number, number))
    _remember(cache, model, "d")
    assert [cut for cut in "abcd" if _found(cache, model, cut)] == ["c", "d"]


def test_without_a_directory_nothing_is_kept_and_nothing_fails(model: Path, tmp_path: Path) -> None:
    assert DigestMemo(None, model, "").look(_source(model)) is None
    blocked = tmp_path / "a file"
    blocked.write_bytes(b"")
    _remember(blocked, model)
    assert _found(blocked, model) is None


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A directory of three files."""
    directory = tmp_path / "several"
    directory.mkdir()
    for name in ("a", "b", "c"):
        (directory / name).write_bytes(bytes(SIZE))
    return directory


def _known(cache: Path, directory: Path) -> set[str]:
    memo = DigestMemo(cache, directory, "")
    return {
        source.path for source in find_files(directory) if memo.find(source, memo.look(source)) is not None
    }


def _push(cache: Path, directory: Path, names: str, *, is_all: bool) -> None:
    memo = DigestMemo(cache, directory, "", clock=_later)
    for source in find_files(directory):
        if source.path in names and memo.find(source, memo.look(source)) is None:
            memo.remember(_file(source), memo.look(source))
    memo.save(is_all=is_all)


def test_what_is_pushed_together_is_remembered_in_one_file(cache: Path, several: Path) -> None:
    _push(cache, several, "abc", is_all=True)
    assert len(list((cache / DIRECTORY).iterdir())) == 1
    assert _known(cache, several) == {"a", "b", "c"}
    _push(cache, several, "abc", is_all=True)  # nothing new
    assert _known(cache, several) == {"a", "b", "c"}


def test_a_push_that_was_ended_keeps_what_it_found_and_what_it_did_not_come_to(
    cache: Path, several: Path
) -> None:
    _push(cache, several, "ab", is_all=False)
    assert _known(cache, several) == {"a", "b"}
    (several / "a").write_bytes(bytes(SIZE + 1))
    _push(cache, several, "a", is_all=False)
    assert _known(cache, several) == {"a", "b"}


def test_a_push_that_looked_at_all_forgets_files_that_are_gone(cache: Path, several: Path) -> None:
    _push(cache, several, "abc", is_all=True)
    (several / "b").unlink()
    (several / "a").write_bytes(bytes(SIZE + 1))
    _push(cache, several, "abc", is_all=True)
    [entry] = (cache / DIRECTORY).iterdir()
    assert set(json.loads(entry.read_bytes()[64:])) == {"a", "c"}


def test_what_was_hashed_is_noted_before_the_end_of_a_long_push(
    cache: Path, several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo_module, "SAVED_EVERY_BYTES", 2 * SIZE)
    memo = DigestMemo(cache, several, "", clock=_later)
    for source in find_files(several):
        memo.remember(_file(source), memo.look(source))
    assert _known(cache, several) == {"a", "b"}


def test_what_takes_too_much_is_hashed_again(
    cache: Path, several: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo_module, "MOST_BYTES_OF_ONE", 1_000)
    _push(cache, several, "abc", is_all=True)
    assert _known(cache, several) == {"a", "b"}
