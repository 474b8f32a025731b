"""Push and pull against a real server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import muniment
import pytest
from muniment import errors
from muniment.digests import Digest
from muniment.transfer.hashing import Hasher
from muniment.transfer.pieces import HashedFile
from muniment.transfer.source import SourceFile

KILLED_PUSH = """
import os, signal, sys, muniment
address, token, path = sys.argv[1:]
def progress(phase, done, total):
    if phase == "push":
        print("acknowledged", done, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
with muniment.connect(address, token=token) as registry:
    registry.push("churn", path, progress=progress)
"""


def test_what_was_pushed_comes_back_byte_by_byte(registry, model_dir, tmp_path, contents) -> None:
    version = registry.push("churn", model_dir)
    registry.pull(version, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(model_dir)
    assert (version.number, version.state, version.file_count) == (1, "READY", 4)
    assert version.size_bytes == sum(map(len, contents(model_dir).values()))


def test_a_single_file_is_a_version_of_one_file(registry, tmp_path) -> None:
    (tmp_path / "m.pkl").write_bytes(b"model")
    registry.push("churn", tmp_path / "m.pkl")
    assert (registry.pull("churn@1", tmp_path / "out") / "m.pkl").read_bytes() == b"model"


def test_a_file_without_bytes_is_kept(registry, tmp_path, contents) -> None:
    (tmp_path / "nothing").write_bytes(b"")
    assert registry.push("churn", tmp_path / "nothing").size_bytes == 0
    assert contents(registry.pull("churn", tmp_path / "out")) == {"nothing": b""}


def test_the_record_comes_back_as_it_was_given(registry, model_dir) -> None:
    base = registry.push("base", model_dir)
    version = registry.push(
        "churn",
        model_dir,
        metrics={"f1": 0.91, "loss": float("nan")},
        params={"depth": 3, "rate": 0.5, "kind": "tree", "shuffle": True, "big": 2**80 + 1},
        tags={"team": "risk"},
        datasets=[
            muniment.Dataset("d", version="1", digest="sha256:" + "a" * 64, uri="s3://x", role="holdout")
        ],
        parents=[muniment.Parent("base@latest", "FINETUNED")],
        description="the first",
        run="run-7",
        steps=["scale", muniment.ProcessingStep("fit", "with care")],
    )
    assert {metric.key for metric in version.metrics} == {"f1", "loss"}
    assert version.params == {
        **{"depth": 3.0, "rate": 0.5, "kind": "tree"},
        **{"shuffle": "True", "big": str(2**80 + 1)},
    }
    assert version.datasets == (muniment.Dataset("d", "1", "sha256:" + "a" * 64, "s3://x", "holdout"),)
    assert version.parents == (muniment.Parent(base.name, "FINETUNED"),)
    assert version.run == muniment.Run("run-7")
    assert [step.name for step in version.processing_steps] == ["scale", "fit"]
    assert (version.description, version.tags) == ("the first", {"team": "risk"})
    assert version.environment is not None
    assert version.environment.packages["grpcio"]
    assert version.environment.python == ".".join(map(str, sys.version_info[:3]))


def test_the_same_request_id_makes_one_version(registry, model_dir) -> None:
    first = registry.push("churn", model_dir, request_id="job-1")
    again = registry.push("churn", model_dir, request_id="job-1")
    assert again.name == first.name
    assert [version.number for version in registry.versions("churn")] == [1]


def test_files_that_did_not_change_are_not_read_again(
    registry, model_dir, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = model_dir / "large.bin"
    large.write_bytes(os.urandom(9_000_000))
    # As if it had been written some seconds ago.
    for settled in ("SETTLED_NS", "FINE_SETTLED_NS"):
        monkeypatch.setattr(f"muniment.transfer.memo.{settled}", -(10**18))
    first = registry.push("churn", model_dir)
    read = []

    def noting(self: Hasher, source: SourceFile, found: object) -> HashedFile:
        read.append(source.path)
        return hashed(self, source, found)

    hashed = Hasher._read
    monkeypatch.setattr(Hasher, "_read", noting)
    phases: list[str] = []
    again = registry.push("churn", model_dir, progress=lambda phase, *_: phases.append(phase))
    assert (again.digest, "large.bin" in read, set(phases)) == (first.digest, False, {"hash"})
    with large.open("r+b") as file:
        file.write(b"changed")
    assert registry.push("churn", model_dir).digest != first.digest
    assert "large.bin" in read


def test_a_killed_push_leaves_no_version_and_is_resumed(server, registry, processes, tmp_path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(40_000_000))
    killed = processes.start(
        sys.executable, "-c", KILLED_PUSH, server.address, server.token, path, name="push"
    )
    assert killed.wait() == -9
    arrived = int(killed.wait_for_line(r"acknowledged (\d+)").group(1))
    with pytest.raises(errors.ModelNotFound):
        list(registry.versions("churn"))
    sent = []
    version = registry.push(
        "churn", path, progress=lambda phase, done, total: sent.append(total) if phase == "push" else None
    )
    assert version.number == 1
    assert sent[0] <= 40_000_000 - arrived


def test_a_push_goes_on_after_the_server_was_killed(server, registry, tmp_path, contents) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(60_000_000))
    killed = []

    def kill_once(phase: str, done: int, total: int) -> None:
        if phase == "push" and not killed:
            killed.append(done)
            server.kill9()
            server.restart()

    assert registry.push("churn", path, progress=kill_once).number == 1
    assert killed
    assert contents(registry.pull("churn", tmp_path / "out"))["large"] == path.read_bytes()


def test_a_pull_goes_on_after_the_server_was_killed(server, registry, tmp_path, contents) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(60_000_000))
    version = registry.push("churn", path)
    killed = []

    def kill_once(phase: str, done: int, total: int) -> None:
        if not killed:
            killed.append(done)
            server.kill9()
            server.restart()

    registry.pull(version, tmp_path / "out", progress=kill_once)
    assert killed
    assert contents(tmp_path / "out")["large"] == path.read_bytes()


def test_a_file_that_appears_meanwhile_is_told(registry, model_dir) -> None:
    def add(phase: str, done: int, total: int) -> None:
        (model_dir / "late").write_text("x")

    with pytest.raises(errors.FileChanged, match="gained 'late'"):
        registry.push("churn", model_dir, progress=add)


def test_what_cannot_be_pushed_is_refused_with_its_path(registry, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "out").symlink_to("/etc/passwd")
    named = tmp_path / "named"
    named.mkdir()
    (named / "a\\b").write_text("x")
    with pytest.raises(errors.SourceMissing, match="missing"):
        registry.push("churn", tmp_path / "missing")
    with pytest.raises(errors.EmptyDirectory, match="empty"):
        registry.push("churn", empty)
    with pytest.raises(errors.SymlinkRefused, match="outside"):
        registry.push("churn", linked)
    with pytest.raises(errors.InvalidPath, match="backslash"):
        registry.push("churn", named)
    with pytest.raises(errors.SourceRefused):
        registry.push("churn", Path(os.devnull))
    assert list(registry.models()) == []


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([b"CON"], "'CON', which is a device on Windows"),
        ([b"weights/aux.txt"], "'aux.txt', which is a device on Windows"),
        ([b"Model.bin", b"model.bin"], "'model.bin' differs from 'Model.bin' by case or Unicode form only"),
        (
            ["caf\u00e9".encode(), "cafe\u0301".encode()],
            r"'cafe\\u0301' and 'caf\\xe9', which differ by Unicode form",
        ),
        (["caf\u00e9/a".encode(), "cafe\u0301/b".encode()], "which differ by Unicode form only"),
        ([b"caf\xe9.bin"], r"'caf\\udce9.bin' is not valid UTF-8"),
        ([b"caf\xe9/a"], "is not valid UTF-8"),
    ],
)
def test_names_that_mean_something_else_elsewhere_are_refused_with_the_reason(
    registry, tmp_path, names: list[bytes], why: str
) -> None:
    for name in names:
        path = tmp_path / "model" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    with pytest.raises(errors.InvalidPath, match=why):
        registry.push("churn", tmp_path / "model")
    assert list(registry.models()) == []


def test_a_link_inside_the_directory_stands_for_its_file(registry, model_dir, tmp_path, contents) -> None:
    (model_dir / "link.json").symlink_to("config.json")
    registry.push("churn", model_dir)
    out = registry.pull("churn", tmp_path / "out")
    assert not (out / "link.json").is_symlink()
    assert contents(out)["link.json"] == b'{"layers": 3}'


def test_a_parent_that_does_not_exist_stops_the_push_before_a_byte_is_read(registry, model_dir) -> None:
    phases: list[str] = []
    with pytest.raises(errors.ModelNotFound):
        registry.push(
            "churn", model_dir, parents=["nobody@latest"], progress=lambda phase, *_: phases.append(phase)
        )
    assert phases == []


def test_a_record_the_registry_would_refuse_stops_the_push_before_a_byte_is_read(registry, model_dir) -> None:
    phases: list[str] = []
    for arguments in (
        {"tags": {"a b": "x"}},
        {"params": {"x" * 251: 1}},
        {"datasets": [muniment.Dataset("customers", digest="md5:0")]},
    ):
        with pytest.raises(errors.InvalidArgument):
            registry.push("churn", model_dir, **arguments, progress=lambda phase, *_: phases.append(phase))
    assert phases == []


def test_a_record_that_cannot_be_sent_names_the_argument(registry, model_dir) -> None:
    for arguments in (
        {"metrics": {"f1": "high"}},
        {"metrics": {"f1": None}},
        {"tags": {1: "x"}},
        {"datasets": ["just a name"]},
        {"params": {"bad": "\ud800"}},
        {"parents": [7]},
        {"parents": [muniment.Parent("churn@1", "COUSIN")]},
    ):
        with pytest.raises(errors.InvalidArgument, match="cannot be sent"):
            registry.push("churn", model_dir, **arguments)
    assert list(registry.models()) == []


def test_a_name_that_differs_by_case_is_told(registry, model_dir) -> None:
    registry.push("churn", model_dir)
    with pytest.raises(errors.NameTaken):
        registry.push("Churn", model_dir)


def test_progress_ends_at_the_whole(registry, model_dir, tmp_path) -> None:
    seen: dict[str, tuple[int, int]] = {}

    def note(phase: str, done: int, total: int) -> None:
        seen[phase] = (done, total)

    version = registry.push("churn", model_dir, progress=note)
    registry.pull(version, tmp_path / "out", progress=note)
    assert set(seen) == {"hash", "push", "pull"}
    assert all(done == total for done, total in seen.values())


def test_a_directory_too_deep_for_any_version_is_refused(registry, tmp_path) -> None:
    deep = tmp_path / "model" / Path(*["d"] * 33)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"x")
    with pytest.raises(errors.InvalidPath, match="more than 32 directories deep"):
        registry.push("churn", tmp_path / "model")


def test_a_push_repairs_bytes_that_were_lost(registry, shared_server, tmp_path, contents) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(os.urandom(100_000))
    (model / "card").write_bytes(b"hello")
    first = registry.push("churn", model)
    digest = Digest.of((model / "weights").read_bytes())
    blob = shared_server.data / "cas" / "sha256" / digest.hex[:2] / digest.hex
    blob.unlink()
    with pytest.raises(errors.BytesDamaged):
        registry.promote("churn@1", to="staging", reason="try")
    second = registry.push("churn", model)
    assert (second.number, second.digest) == (2, first.digest)
    assert contents(registry.pull("churn@1", tmp_path / "out")) == contents(model)
    registry.promote("churn@1", to="staging", reason="repaired")


def test_large_files_travel_on_several_streams_beside_each_other(
    registry, tmp_path, contents, monkeypatch
) -> None:
    opened = []
    open_another = registry._session.calls.open_another
    monkeypatch.setattr(registry._session.calls, "open_another", lambda: opened.append(1) or open_another())
    model = tmp_path / "model"
    model.mkdir()
    (model / "large").write_bytes(os.urandom(50_000_000))
    for number in range(20):
        (model / f"small-{number}").write_bytes(os.urandom(number * 1_000))
    registry.push("churn", model)
    assert len(opened) == 2
    assert contents(registry.pull("churn", tmp_path / "out")) == contents(model)
    assert len(opened) == 4
