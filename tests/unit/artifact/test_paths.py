"""File paths that may be part of a manifest, and those that may not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment_artifact.paths import check_distinct, check_path
from muniment_core.domain.errors import InvalidPath


@pytest.mark.parametrize(
    "path",
    [
        "model.pkl",
        "a/b/c.safetensors",
        ".hidden",
        "..data/x",
        "weights 1.bin",
        "console.txt",
        "com10",
        "modèle/重み.bin",
        "2026-11-23T10:00:00.ckpt",
        "a" * 255,
        "/".join(["a" * 255] * 4),
        "/".join("a" * 32),
    ],
)
def test_ordinary_paths_are_taken(path: str) -> None:
    check_path("files[0].path", path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "is empty"),
        ("../x", "has a part '..'"),
        ("a/../../x", "has a part '..'"),
        ("./x", "has a part '.'"),
        ("a/.", "has a part '.'"),
        ("a//b", "has an empty part"),
        ("a/", "has an empty part"),
        ("/etc/passwd", "is absolute"),
        ("C:/x", "is absolute"),
        ("c:x", "is absolute"),
        ("a\\b", "holds a backslash"),
        ("a\0b", "holds control characters"),
        ("a\nb", "holds control characters"),
        ("a\x7fb", "holds control characters"),
        ("a\u202egnp.exe", "holds control characters"),
        ("a\u2028b", "holds control characters"),
        ("a\udcffb", "is not valid UTF-8"),
        ("CON", "is a device on Windows"),
        ("a/nul.txt", "is a device on Windows"),
        ("Com1", "is a device on Windows"),
        ("LPT².tar.gz", "is a device on Windows"),
        ("aux .txt", "is a device on Windows"),
        ("CONIN$", "is a device on Windows"),
        ("a" * 256, "has a part longer than 255 bytes"),
        ("é" * 128, "has a part longer than 255 bytes"),
        ("a" * 300, "has a part longer than 255 bytes"),
        ("/".join(["a" * 255] * 5), "is longer than 1024 bytes"),
        ("/".join("a" * 33), "has 33 parts, while 32 is the most"),
        (unicodedata.normalize("NFD", "modèle"), "is not in Unicode form NFC"),
    ],
)
def test_unsafe_paths_are_refused_naming_the_field(path: str, why: str) -> None:
    with pytest.raises(InvalidPath) as refused:
        check_path("files[3].path", path)
    assert why in str(refused.value)
    assert refused.value.facts == {"field": "files[3].path", "value": path[:200]}


def _distinct(*paths: str) -> None:
    check_distinct((f"files[{index}].path", path) for index, path in enumerate(paths))


def test_different_paths_are_distinct() -> None:
    _distinct("a", "b", "c/a", "c/b", "c.d", "ca/b", "A1/x", "a1/y")


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("a", "a", "is there twice"),
        ("Model.bin", "model.bin", "by case or Unicode form only"),
        ("A/x", "a/x", "by case or Unicode form only"),
        ("straße", "STRASSE", "by case or Unicode form only"),
        ("ﬁle", "file", "by case or Unicode form only"),
        ("Å", "\u212b", "by case or Unicode form only"),
        ("name", "name.", "by case or Unicode form only"),
        ("a", "a/b", "which is a file"),
        ("a/b/c", "a/b", "is a directory of"),
        ("a/b/c", "A", "is a directory of"),
        ("X", "x/y/z", "which is a file"),
    ],
)
def test_paths_that_share_a_place_somewhere_are_refused(first: str, second: str, why: str) -> None:
    with pytest.raises(InvalidPath) as refused:
        _distinct("other", first, second)
    assert why in str(refused.value)
    assert refused.value.facts["field"] == "files[2].path"


@given(st.text(max_size=300))
def test_every_path_is_taken_or_refused_and_nothing_taken_leaves_its_directory(path: str) -> None:
    try:
        check_path("path", path)
    except InvalidPath:
        return
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not set(path) & {"\\", "\0"}
    assert max(len(part.encode()) for part in parts) <= 255
