"""What is wrong is told in a sentence that says what to do, and the exit status is 1."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.server import ServerProcess
from muniment.digests import Digest

Run = Callable[..., subprocess.CompletedProcess[str]]
Done = Callable[..., str]


def refusal(outcome: subprocess.CompletedProcess[str]) -> str:
    """The sentence; nothing else was printed, and nothing of how the program works inside."""
    assert outcome.returncode == 1, outcome.stderr
    assert outcome.stdout == ""
    assert re.fullmatch(r"Error: [^\n]+\.\n", outcome.stderr), outcome.stderr
    assert outcome.stderr[:-1].isprintable()
    for inside in ("Traceback", "grpc", "sqlite"):
        assert inside not in outcome.stderr
    return outcome.stderr


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("audit", "log", "--model", "nosuch"), "models/nosuch does not exist"),
        (("audit", "log", "--type", "stage.demoted"), "no entry is of type 'stage.demoted': there are "),
        (("audit", "log", "--type", "stages.*"), "no entry is of type 'stages.*': there are "),
        (("audit", "log", "--stage", "nowhere"), "the stages of this project are staging, production."),
        (
            ("audit", "log", "--stage", "nowhere", "--instance"),
            "stage 'nowhere' does not exist: the stages of all",
        ),
        (("deployments", "nosuch"), "models/nosuch does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_slip_in_a_filter_is_no_empty_answer(
    cli: Run, words: tuple[str, ...], sentence: str, as_json: tuple[str, ...]
) -> None:
    assert sentence in refusal(cli(*words, *as_json))


def test_a_slip_in_a_stage_is_told_whether_or_not_its_model_is_named(cli: Run, churn: str) -> None:
    for model in ((), ("--model", churn), ("--model", f"default/{churn}")):
        sentence = refusal(cli("audit", "log", "--stage", "nowhere", *model))
        assert (
            "stage 'nowhere' does not exist: the stages of this project are staging, production." in sentence
        )


def test_a_filter_that_fits_nothing_yet_is_an_empty_answer(cli: Run, done: Done, churn: str) -> None:
    done("project", "create", churn)
    for words in (
        ("audit", "log", "--model", churn, "--type", "alias.*"),
        ("audit", "log", "--model", churn, "--stage", "staging"),
        ("audit", "log", "--project", churn, "--stage", "staging"),
        ("deployments", churn),
    ):
        outcome = cli(*words)
        assert (outcome.returncode, outcome.stdout) == (0, ""), outcome.stderr


@pytest.fixture
def churn(done: Done, weights: Path) -> str:
    """A model with two versions, the second in production."""
    # Named by the directory, so that every test has its own on the shared server.
    model = weights.parent.name.replace("_", "-").strip("-")
    for content in (b"1", b"2"):
        (weights / "model.bin").write_bytes(content)
        done("push", model, weights, "--quiet")
    done("promote", f"{model}@2", "--to", "production")
    return model


MALFORMED = {
    "a path": "../x",
    "three parts": "a/b/c",
    "129 characters": "m" * 129,
    "a control character": "churn\x1b[31m",
    "a line end": "churn\n",
    "a bidirectional override": "churn\u202egpj",
    "URL-encoded dots": "%2e%2e",
    "no model": "risk/",
    "no project": "/churn",
    "nothing after the at": "churn@",
    "two ats": "churn@1@2",
    "version 0": "churn@0",
    "a leading zero": "churn@07",
    "half a digest": "churn@sha256:abc",
    "a dot": ".",
    "a letter that only looks like one": "сhurn",
    "bytes that are no text": "churn\udcff",
}


@pytest.mark.parametrize("selector", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_selector_is_refused_before_anything_is_sent(muniment: Run, selector: str) -> None:
    # Nothing listens at this address, and nobody notices.
    outcome = muniment("--target", "127.0.0.1:1", "show", selector)
    if selector == MALFORMED["bytes that are no text"]:
        assert (outcome.returncode, "is not text" in outcome.stderr) == (2, True)
    else:
        sentence = refusal(outcome)
        assert " is not valid: " in sentence
        assert "no registry answers" not in sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ("push", "../x", "."),
        ("pull", "../x", "into"),
        ("versions", "../x"),
        ("alias", "../x"),
        ("alias", "churn", "../x", "1"),
        ("promote", "../x", "--to", "production"),
        ("rollback", "../x", "--stage", "production"),
        ("rollback", "churn", "--stage", "../x"),
        ("stages", "../x"),
        ("history", "../x"),
        ("deployments", "../x"),
        ("watch", "--model", "../x"),
        ("audit", "log", "--model", "../x"),
        ("models", "--project", "../x"),
    ],
    ids=" ".join,
)
def test_a_malformed_name_is_refused_by_every_verb(muniment: Run, arguments: tuple[str, ...]) -> None:
    assert "is not valid: use 1 to 128 letters" in refusal(muniment("--target", "127.0.0.1:1", *arguments))


def test_what_does_not_exist_is_named_with_the_way_to_find_out(cli: Run, churn: str, tmp_path: Path) -> None:
    for arguments in (("show", "missing"), ("versions", "missing"), ("pull", "missing", tmp_path / "into")):
        sentence = refusal(cli(*arguments))
        assert "missing" in sentence
        assert "'muniment models' lists the models" in sentence
    sentence = refusal(cli("show", f"{churn}@9"))
    assert "9" in sentence
    assert "'muniment versions MODEL' lists the versions" in sentence
    assert not (tmp_path / "into").exists()
    for arguments in (
        ("promote", f"{churn}@1", "--to", "nowhere"),
        ("rollback", churn, "--stage", "nowhere"),
        ("history", churn, "--stage", "nowhere"),
    ):
        sentence = refusal(cli(*arguments))
        assert "nowhere" in sentence
        assert "'muniment stages MODEL' lists the stages" in sentence
    assert "staging" in refusal(cli("show", f"{churn}@staging"))
    assert "nobody" in refusal(cli("show", f"{churn}@nobody"))
    assert "elsewhere" in refusal(cli("models", "--project", "elsewhere"))


def test_a_stale_expectation_names_both_sides_and_moves_nothing(cli: Run, done: Done, churn: str) -> None:
    before = done("history", churn)
    sentence = refusal(cli("promote", f"{churn}@1", "--to", "production", "--expected-current", "1"))
    assert re.search(r"\b2\b.*\b1\b|\b1\b.*\b2\b", sentence)
    assert "decide again" in sentence
    refusal(cli("rollback", churn, "--stage", "production", "--expected-current", "1"))
    assert "There is nothing to do" in refusal(cli("promote", f"{churn}@2", "--to", "production"))
    refusal(cli("rollback", churn, "--stage", "production"))
    assert done("history", churn) == before


def test_a_path_that_cannot_be_pushed_is_named_and_makes_no_version(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "leaky").mkdir()
    (tmp_path / "leaky" / "link").symlink_to("/etc/hostname")
    for name in ("absent", "empty", "leaky"):
        assert name in refusal(cli("push", "unpushed", tmp_path / name))
    refusal(cli("versions", "unpushed"))


@pytest.mark.parametrize(
    ("call", "forbidden"),
    [("open", "weights/deep/config.json"), ("scandir", "weights/deep"), ("lstat", "weights")],
)
def test_a_path_that_may_not_be_read_is_named_and_makes_no_model(
    cli: Run, weights: Path, forbid: Callable[[str, Path], None], call: str, forbidden: str
) -> None:
    path = weights.parent / forbidden
    forbid(call, path)
    sentence = refusal(cli("push", "unread", weights))
    assert f"{path} cannot be read: Permission denied. Check that it exists and that you may" in sentence
    refusal(cli("versions", "unread"))


@pytest.mark.parametrize("moment", ["hash", "push"])
def test_a_file_that_changes_while_it_is_pushed_is_named_and_makes_no_model(
    cli: Run, weights: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    large = weights / "large.bin"
    large.write_bytes(os.urandom(20_000_000))

    def tell(phase: str, _done: int, _total: int) -> None:
        if phase == moment:
            os.truncate(large, 5)

    # What the command calls where it draws no bar.
    monkeypatch.setattr("muniment.transfer.progress._nothing", tell)
    sentence = refusal(cli("push", "unsteady", weights))
    assert f"{large} " in sentence
    assert "while it was pushed. Push again when nothing writes to it any more." in sentence
    refusal(cli("versions", "unsteady"))


def test_bytes_that_are_not_what_their_manifest_says_are_refused_with_both_digests(
    muniment: Run, liar: Any, tmp_path: Path
) -> None:
    liar.add("w.bin", b"good")
    liar.data["w.bin"] = b"evil"
    sentence = refusal(muniment("--target", liar.address, "--token", "mun_x", "pull", "churn", "into"))
    good, evil = (Digest.of(data).text for data in (b"good", b"evil"))
    assert f"w.bin has digest {evil}, while its manifest says {good}. Try again; if it" in sentence
    assert not (tmp_path / "into").exists()


def test_bytes_that_the_registry_finds_damaged_are_refused_with_their_digest(
    cli: Run, churn: str, shared_server: ServerProcess, tmp_path: Path
) -> None:
    only = os.urandom(1000)
    (tmp_path / "only.bin").write_bytes(only)
    cli("push", churn, tmp_path / "only.bin")
    digest = Digest.of(only).text
    (stored,) = shared_server.data.glob(f"cas/**/{digest.partition(':')[2]}")
    stored.unlink()
    stored.write_bytes(bytes(1000))
    sentence = refusal(cli("pull", churn, "into"))
    assert f"stored bytes {digest} are damaged" in sentence
    assert "Tell the operator of the registry." in sentence
    assert not (tmp_path / "into").exists()


def test_a_version_that_is_not_ready_is_promoted_nowhere(cli: Run, done: Done, churn: str) -> None:
    before = done("history", churn)
    done("archive", f"{churn}@1")
    for state in ("ARCHIVED", "DELETED"):
        sentence = refusal(cli("promote", f"{churn}@1", "--to", "staging"))
        assert (
            f"{churn}/versions/1 is {state}, while READY is needed. Use a version that is READY: " in sentence
        )
        if state == "ARCHIVED":
            done("delete", f"{churn}@1")
    assert done("history", churn) == before


def test_a_directory_in_use_is_not_overwritten_unasked(cli: Run, churn: str, tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "thesis.txt").write_text("years of work")
    assert "into" in refusal(cli("pull", churn, tmp_path / "into"))
    assert (tmp_path / "into" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("token", ["mun_wrong", "not a token", "größe"])
def test_a_wrong_token_is_refused_and_not_repeated(cli: Run, token: str) -> None:
    sentence = refusal(cli("models", "--token", token))
    assert token not in sentence
    assert "token" in sentence


def test_a_token_without_the_role_is_told_to_ask_an_admin(cli: Run, done: Done, weights: Path) -> None:
    created = done("token", "create", "reader", "--role", "reader")
    secret = created.split()[-1]
    assert cli("models", "--token", secret).returncode == 0
    assert "Ask an admin of the project for the role" in refusal(
        cli("push", "locked", weights, "--token", secret)
    )


def test_an_unknown_role_names_the_known_ones(cli: Run) -> None:
    assert "'king' is not one of reader, writer, promoter" in refusal(
        cli("token", "create", "x", "--role", "king")
    )


def test_an_unknown_token_cannot_be_revoked(cli: Run) -> None:
    assert "'muniment token list' lists the tokens" in refusal(cli("token", "revoke", "999"))


@pytest.mark.parametrize("name", ["robot", "7a", "projects/default/7", "projects/default/tokens/x", "²"])
def test_what_is_no_number_of_a_token_is_told_to_be_written_as_one(muniment: Run, name: str) -> None:
    # Nothing listens at this address: it is refused before anything is sent.
    sentence = refusal(muniment("--target", "127.0.0.1:1", "token", "revoke", name))
    assert f"token {name!r} is not valid: write its number, as the list of tokens shows it" in sentence
    assert "name" not in sentence


def test_a_secret_given_in_place_of_a_number_is_not_repeated(muniment: Run) -> None:
    sentence = refusal(muniment("--target", "127.0.0.1:1", "token", "revoke", "mun_abcdef"))
    assert "this is the secret of a token" in sentence
    assert "abcdef" not in sentence


def test_a_project_is_made_once(cli: Run, done: Done) -> None:
    done("project", "create", "once")
    assert "once" in refusal(cli("project", "create", "once"))
    assert "Once" in refusal(cli("project", "create", "Once"))
    refusal(cli("project", "create", "../x"))


def test_a_server_that_is_down_is_told_with_its_address(muniment: Run) -> None:
    outcome = muniment("--target", "127.0.0.1:1", "models")
    assert outcome.returncode == 1
    assert "no registry answers at 127.0.0.1:1" in outcome.stderr
    assert "MUNIMENT_TARGET or --target" in outcome.stderr


@pytest.mark.parametrize("target", ["127.0.0.1:99999", "not an address", "file:"])
def test_a_target_that_cannot_be_read_is_told(muniment: Run, target: str) -> None:
    assert "Write HOST:PORT, or file:DIRECTORY" in refusal(muniment("models", "--target", target))


def test_a_certificate_file_that_is_missing_is_told(muniment: Run) -> None:
    assert "absent.pem" in refusal(muniment("models", "--target", "127.0.0.1:1", "--ca-file", "absent.pem"))
