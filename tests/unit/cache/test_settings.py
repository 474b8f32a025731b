"""Where the cache is, and how large it may be."""

from __future__ import annotations

import pytest
from muniment import errors
from muniment.cache.settings import DEFAULT_MAX_BYTES, cache_settings, parse_size


def test_nobody_has_to_say_anything(home) -> None:
    found = cache_settings(None)
    assert found is not None
    assert (found.directory, found.max_bytes, found.chosen) == (
        home / ".cache/muniment",
        DEFAULT_MAX_BYTES,
        False,
    )


def test_what_is_said_counts_more_than_the_environment(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MUNIMENT_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("MUNIMENT_CACHE_MAX_BYTES", "20 GB")
    named, said = cache_settings(None), cache_settings(tmp_path / "b", 7)
    assert named is not None
    assert said is not None
    assert (named.directory, named.max_bytes, named.chosen) == (tmp_path / "a", 20 * 10**9, True)
    assert (said.directory, said.max_bytes, said.chosen) == (tmp_path / "b", 7, True)
    assert cache_settings(False) is None
    assert cache_settings("off") is None
    monkeypatch.setenv("MUNIMENT_CACHE", "off")
    assert cache_settings(None) is None
    monkeypatch.setenv("MUNIMENT_CACHE", "")
    assert cache_settings(None) is not None


def test_a_relative_directory_stays_the_one_it_was(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    found = cache_settings("here")
    assert found is not None
    assert found.directory == tmp_path / "here"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1500", 1500),
        ("500MB", 5 * 10**8),
        ("20 GiB", 20 * 2**30),
        ("1.5k", 1500),
        ("2t", 2 * 10**12),
    ],
)
def test_sizes_are_read(text, size) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "1.55GB", "٣", "10 parsecs"])
def test_what_is_no_size_is_told(text) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(("directory", "most"), [(5, None), ("", None), ("x", -1), ("x", 1.5), ("x", True)])
def test_what_cannot_be_a_cache_is_refused(directory, most) -> None:
    with pytest.raises(errors.InvalidArgument):
        cache_settings(directory, most)
