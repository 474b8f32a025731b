"""Where a pull may put its files, and that it leaves nothing when it fails."""

from __future__ import annotations

import resource

import pytest
from muniment import errors
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb


def test_an_empty_directory_is_filled(registry, model_dir, tmp_path, contents) -> None:
    registry.push("churn", model_dir)
    (tmp_path / "out").mkdir()
    assert contents(registry.pull("churn", tmp_path / "out")) == contents(model_dir)


def test_a_directory_in_use_is_replaced_only_when_asked(registry, model_dir, tmp_path, contents) -> None:
    registry.push("churn", model_dir)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("x")
    with pytest.raises(errors.DestinationRefused, match="not empty"):
        registry.pull("churn", out)
    assert contents(out) == {"mine": b"x"}
    registry.pull("churn", out, overwrite=True)
    assert contents(out) == contents(model_dir)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_files_links_and_the_working_directory_are_refused(
    registry, model_dir, tmp_path, monkeypatch
) -> None:
    registry.push("churn", model_dir)
    (tmp_path / "file").write_text("x")
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    for name in ("file", "link", "here"):
        with pytest.raises(errors.DestinationRefused, match=name):
            registry.pull("churn", tmp_path / name, overwrite=True)


def test_damaged_bytes_are_refused_and_leave_nothing(liar, lied_to, tmp_path) -> None:
    liar.add("w.bin", b"good")
    liar.data["w.bin"] = b"evil"
    with pytest.raises(errors.DownloadRefused, match=r"w\.bin has digest sha256:.* while its manifest says"):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_pull_leaves_the_old_directory_alone(liar, lied_to, tmp_path, contents) -> None:
    liar.add("w.bin", b"good")
    liar.data["w.bin"] = b"evil"
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_text("x")
    with pytest.raises(errors.DownloadRefused):
        lied_to.pull(liar.version, tmp_path / "out", overwrite=True)
    assert contents(tmp_path) == {"out/old": b"x"}


HOSTILE = [
    *("../x", "/etc/passwd", "a/../../x", "a//b", "a/", "", ".", "..", "a/.", "C:/x", "c:x", "//host/share"),
    *("a\\b", "..\\x", "a\nb", "a\0b", "\0", "\u202eb", "a\u2028b", "a\x7fb"),
    *("x" * 256, "x" * 300, "é" * 128, "/".join(["a" * 255] * 5), "/".join("a" * 33), "e\u0301"),
    *("CON", "a/nul.txt", "Com1", "LPT².tar", "aux .txt"),
]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: repr(path[:20]))
def test_hostile_paths_are_refused(liar, lied_to, tmp_path, path) -> None:
    liar.add(path, b"x")
    for use in (lambda: lied_to.pull(liar.version, tmp_path / "out"), lambda: lied_to.open(liar.version)):
        with pytest.raises(errors.DownloadRefused, match="not safe"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_no_text_is_refused(liar, lied_to, tmp_path) -> None:
    liar.add("w.bin", b"x")
    liar.body = liar.manifest_body.replace(b"w.bin", b"\\udcff.bin")
    with pytest.raises(errors.DownloadRefused, match="not safe"):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "paths",
    [
        *(("a", "A"), ("a", "a/b"), ("a/b", "a"), ("a", "a"), ("A/x", "a/y", "a")),
        *(("straße", "STRASSE"), ("ﬁle", "file"), ("Å", "\u212b"), ("name", "name."), ("x/y", "X")),
    ],
    ids=str,
)
def test_clashing_paths_are_refused(liar, lied_to, tmp_path, paths) -> None:
    for path in paths:
        liar.add(path, b"x")
    with pytest.raises(errors.DownloadRefused, match="not safe"):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_with_another_digest_is_refused(liar, lied_to, tmp_path) -> None:
    liar.add("w.bin", b"good")
    version = liar.version
    liar.layers.clear()
    liar.add("w.bin", b"other")
    with pytest.raises(errors.DownloadRefused, match="was asked for"):
        lied_to.pull(version, tmp_path / "out")


def test_a_list_of_files_that_contradicts_the_manifest_is_refused(liar, lied_to, tmp_path) -> None:
    liar.add("w.bin", b"good")
    liar.listed = [pb.FileEntry(path="w.bin", digest=Digest.of(b"evil").text, size=4)]
    with pytest.raises(errors.DownloadRefused, match="another one"):
        lied_to.pull(liar.version, tmp_path / "out")


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b"null", b"[" * 100_000, b'{"mediaType": 1, "mediaType": 2}'],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_manifest_is_refused(liar, lied_to, tmp_path, body) -> None:
    liar.body = body
    with pytest.raises(errors.DownloadRefused):
        lied_to.pull(liar.version, tmp_path / "out")


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [pb.ReadRangesResponse(data=b"go")],
        [pb.ReadRangesResponse(data=b"")],
        [pb.ReadRangesResponse(data=b"goodness")],
        [pb.ReadRangesResponse(offset=1, data=b"ood")],
        [pb.ReadRangesResponse(range_index=1, data=b"good")],
    ],
    ids=["nothing", "too little", "empty frame", "too much", "a gap", "another range"],
)
def test_frames_that_do_not_fit_are_refused(liar, lied_to, tmp_path, frames) -> None:
    liar.add("w.bin", b"good")
    liar.frames = frames
    with pytest.raises(errors.DownloadRefused):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(liar, lied_to, tmp_path) -> None:
    liar.add("w.bin", b"x" * 2_000_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(errors.CannotWrite, match="cannot be written"):
            lied_to.pull(liar.version, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_files_that_no_disk_holds_are_refused_before_anything_is_prepared(liar, lied_to, tmp_path) -> None:
    liar.add("w.bin", b"good")
    liar.layers[0]["size"] = 2**62
    with pytest.raises(errors.CannotWrite, match="has no room"):
        lied_to.pull(liar.version, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
