"""The installed program as a process: every verb once, and what only a process shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from harness.processes import DEADLINE
from harness.server import ServerProcess
from muniment import connect
from muniment.cli.program import program
from muniment.digests import Digest
from samples.signatures import Signer

Run = Callable[..., subprocess.CompletedProcess[str]]
Done = Callable[..., str]

ELSEWHERE = {("watch",)}
"""Verbs that do not end by themselves have a file of their own."""


def verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))
        else:
            yield (*path, name)


def test_every_verb_works(
    installed: Run,
    done: Done,
    objects: Callable[..., list[dict[str, Any]]],
    known: dict[str, str],
    weights: Path,
    tmp_path: Path,
    shared_server: ServerProcess,
    public_key: Callable[[ServerProcess], str],
) -> None:
    signer, signature, signer_key = Signer(), tmp_path / "smoke.sig", tmp_path / "smoke.pub"
    paths = {path.relative_to(weights).as_posix(): path for path in weights.rglob("*") if path.is_file()}
    signature.write_bytes(
        signer.sign({name: Digest.of(path.read_bytes()).text for name, path in paths.items()})
    )
    signer_key.write_text(signer.public_key)
    done("push", "smoke", weights, "--signature", signature, "--signature-key", signer_key)
    with connect(shared_server.address, token=shared_server.token) as registry:
        with registry.predictions("smoke@1") as recorder:
            prediction = recorder.record(input="asked", output="answered")
    done("promote", "smoke@1", "--to", "staging")
    (token,) = objects("token", "create", "robot", "--role", "reader")
    smokes: dict[tuple[str, ...], tuple[tuple[str | Path, ...], str]] = {
        ("push",): (("smoke", weights, "--metric", "f1=0.5"), "Stored smoke@2: 2 files"),
        ("pull",): (("smoke@2", "into"), "Fetched smoke@2 into "),
        ("models",): ((), "smoke"),
        ("versions",): (("smoke",), "f1=0.5"),
        ("show",): (("smoke@2",), "smoke@2\n"),
        ("scan",): (("smoke@2",), "CLEAN"),
        ("tensors",): (("smoke@2",), ""),
        ("verify-signature",): (("smoke@1",), "is valid"),
        ("diff",): (("smoke@1", "smoke@2"), "+ f1"),
        ("lineage",): (("smoke@2",), "smoke@2\n"),
        ("export",): (("smoke@2", "--format", "card"), "# smoke, version 2"),
        ("update",): (("smoke@2", "--tag", "team=risk"), "Changed smoke@2\n"),
        ("search",): (("model = smoke AND tags.team = risk",), "smoke@2"),
        ("add-metrics",): (("smoke@2", "loss=nan"), "loss"),
        ("metrics",): (("smoke@2",), "nan"),
        ("alias",): (("smoke", "champion", "1"), "Alias champion points to version 1\n"),
        ("promote",): (("smoke@2", "--to", "staging"), "smoke@2 is current in staging"),
        ("rollback",): (("smoke", "--stage", "staging"), "Version 1 of smoke is current in staging again"),
        ("stages",): (("smoke",), "staging"),
        ("history",): (("smoke",), "rollback"),
        ("deployments",): ((), ""),
        ("predictions",): (("smoke@1",), prediction),
        ("trace",): ((prediction,), "smoke@1"),
        ("receipt",): ((prediction, "-o", "receipt.json"), "Wrote receipt.json"),
        ("verify",): (("receipt.json", "--key", public_key(shared_server)), f"{prediction} is proven"),
        ("audit", "log"): (("--model", "smoke"), "stage.rolled_back"),
        ("audit", "checkpoint"): ((), "\n\n— muniment/"),
        ("audit", "proof"): (("1", "--instance"), "c2sp.org/tlog-proof@v1\nindex 0\n"),
        ("audit", "keys"): ((), "muniment/"),
        ("audit", "verify"): ((), "muniment/"),
        ("audit", "export"): (("exported",), "exported"),
        ("du",): (("smoke",), "smoke"),
        ("archive",): (("smoke@2", "--reason", "obsolete"), "smoke@2 is archived"),
        ("restore",): (("smoke@2",), "smoke@2 is READY again"),
        ("cache", "ls"): ((), "manifest"),
        ("cache", "gc"): (("--max-size", "1GB"), "Removed 0 B"),
        ("project", "create"): (("smoke",), "Created project smoke"),
        ("project", "list"): ((), "smoke"),
        ("token", "create"): (("ci", "--role", "reader"), "mun_"),
        ("token", "list"): ((), "robot"),
        ("token", "revoke"): ((token["name"],), "of robot\n"),
        ("whoami",): ((), "roles"),
        ("delete",): (("smoke@2",), "Deleted smoke@2\n"),
    }
    # A verb that is added has to be added here: all other tests of the command call it in their own process.
    assert smokes.keys() | ELSEWHERE == set(verbs(program))
    for path, (words, printed) in smokes.items():
        outcome = installed(*path, *words, env=known)
        assert outcome.returncode == 0, (path, outcome.stderr)
        assert printed in outcome.stdout, path
        assert "Traceback" not in outcome.stderr, path


def test_a_refusal_and_wrong_usage_have_exit_statuses_of_their_own(
    installed: Run, known: dict[str, str]
) -> None:
    refused = installed("show", "missing", env=known)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: ")
    misused = installed("show")
    assert (misused.returncode, misused.stdout) == (2, "")
    assert "Missing argument 'SELECTOR'" in misused.stderr


def test_bytes_that_are_no_text_are_told(installed: Run) -> None:
    outcome = installed("--target", "127.0.0.1:1", "show", "churn\udcff")
    assert (outcome.returncode, "is not text" in outcome.stderr) == (2, True)


def test_a_server_that_is_down_is_told_without_the_noise_of_grpc(installed: Run) -> None:
    outcome = installed("--target", "127.0.0.1:1", "models")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("Error: no registry answers at 127.0.0.1:1")
    assert outcome.stderr.count("\n") == 1


def test_the_embedded_registry_of_a_directory_outlives_a_command(installed: Run, weights: Path) -> None:
    where = ("--target", "file:registry")
    assert installed(*where, "push", "local", weights, "--quiet").stdout == "local@1\n"
    assert "version.created" in installed(*where, "audit", "log").stdout


def test_help_needs_no_grpc_and_no_protobuf() -> None:
    source = (
        "import sys, muniment.cli.program; "
        "print([name for name in sys.modules if name.split('.')[0] in ('grpc', 'google')])"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert outcome.stdout == "[]\n"


def test_the_package_runs_as_a_module_too() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "muniment.cli", "--version"], capture_output=True, text=True, timeout=DEADLINE
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("muniment, version ")


def test_nobody_reading_on_is_no_complaint(program_path: Path, shared_server: ServerProcess) -> None:
    script = '"$0" --target "$1" --token "$2" audit log --json | true; echo "${PIPESTATUS[0]}" >&2'
    outcome = subprocess.run(
        ["bash", "-c", script, program_path, shared_server.address, shared_server.token],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert outcome.stderr in ("0\n", "1\n")


def test_output_that_cannot_be_written_is_told(program_path: Path, shared_server: ServerProcess) -> None:
    with Path("/dev/full").open("w") as full:
        outcome = subprocess.run(
            [program_path, "--target", shared_server.address, "--token", shared_server.token, "whoami"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
        )
    assert outcome.returncode == 1
    assert outcome.stderr == "Error: standard output: No space left on device\n"


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("audit", "log", "--help")], ids=" ".join)
def test_help_that_cannot_be_written_is_told(program_path: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        outcome = subprocess.run(
            [program_path, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE
        )
    assert (outcome.returncode, outcome.stderr) == (1, "Error: standard output: No space left on device\n")


def test_a_terminal_without_unicode_is_served(
    installed: Run, done: Done, known: dict[str, str], weights: Path
) -> None:
    done("push", "accents", weights, "--description", "模型")
    outcome = installed("show", "accents", env={**known, "PYTHONIOENCODING": "latin-1"})
    assert outcome.returncode == 0, outcome.stderr
    assert "\\u6a21\\u578b" in outcome.stdout


def test_objects_are_printed_for_programs(installed: Run, known: dict[str, str]) -> None:
    outcome = installed("whoami", "--json", env=known)
    assert json.loads(outcome.stdout)["principal"]
