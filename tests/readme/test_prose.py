"""Commands and options that the READMEs name within sentences exist, and take what they are given there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from harness.processes import DEADLINE
from harness.server import ServerFactory
from muniment.cli.program import program
from muniment.digests import Digest
from muniment_deployer.cli import command as deployer
from muniment_server.cli import main as server
from samples.signatures import Signer

PROGRAMS: dict[str, click.Command] = {
    "muniment": program,
    "muniment-server": server,
    "muniment-deployer": deployer,
}
DOCUMENTS = ("README.md", "services/README.md")

_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_OPEN = "…"
"""Stands for whatever else may follow."""


def spans(document: Path) -> list[str]:
    """What is set as code within sentences, in order; a line's end in it is a blank."""
    prose = _BLOCK.sub("", document.read_text())
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]


def commands(document: Path) -> list[list[str]]:
    """The spans that are commands of ours, as words."""
    return [shlex.split(span) for span in spans(document) if span.partition(" ")[0] in PROGRAMS]


def options(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by what is typed."""
    found = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return {name: option for option in found for name in option.opts}


def all_options(command: click.Command) -> Iterator[str]:
    """The options of a program, wherever they stand."""
    yield from options(command)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from all_options(below)


def check(command: click.Command, name: str, words: list[str]) -> None:
    """Read words as the command would; one that is but named is not asked for its arguments.

    Raises:
        click.UsageError: if it does not know them.
    """
    if not words:
        return
    if not isinstance(command, click.Group):
        # --help ends it there.
        with suppress(click.exceptions.Exit):
            command.make_context(name, list(words))
        return
    word, *rest = words
    if word == _OPEN:
        return
    if (option := options(command).get(word)) is not None:
        check(command, name, rest if option.is_flag else rest[1:])
    elif word in command.commands:
        check(command.commands[word], word, rest)
    else:
        raise click.NoSuchOption(word) if word.startswith("-") else click.UsageError(f"no command {word}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_the_prose_is_one_with_the_options_it_is_given(
    repository: Path, document: str
) -> None:
    for words in commands(repository / document):
        try:
            check(PROGRAMS[words[0]], words[0], words[1:])
        except click.UsageError as error:
            pytest.fail(f"{document} says `{shlex.join(words)}`: {error.format_message()}")


def test_the_prose_names_what_no_block_shows(repository: Path) -> None:
    # Or the test above would hold of a README that it cannot read.
    named = {words[1] for words in commands(repository / "README.md")}
    assert {"push", "verify-signature", "scan", "receipt", "verify", "gc", "serve"} <= named


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_option_of_the_prose_exists(repository: Path, document: str) -> None:
    known = {name for command in PROGRAMS.values() for name in all_options(command)}
    named = {span.split()[0] for span in spans(repository / document) if span.startswith("--")}
    assert named
    assert named <= known


def test_commands_that_are_no_more_or_were_never_there_are_noticed() -> None:
    for slip in (
        "muniment frobnicate",
        "muniment push churn out/model --signed model.sig",
        "muniment scan churn extra",
        "muniment --targets file:./registry …",
        "muniment-server serve --gc-every often",
        "muniment-server key shown",
    ):
        words = slip.split()
        with pytest.raises(click.UsageError):
            check(PROGRAMS[words[0]], words[0], words[1:])


def test_the_whole_commands_of_the_prose_work(
    repository: Path, server_factory: ServerFactory, tmp_path: Path
) -> None:
    registry = server_factory()
    config = tmp_path / "out/model/config.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"layers": 3}')
    signer = Signer()
    (tmp_path / "model.sig").write_bytes(signer.sign({"config.json": Digest.of(config.read_bytes()).text}))
    (tmp_path / "key.pub").write_text(signer.public_key)

    def run(*words: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name(words[0]), *words[1:]],
            cwd=tmp_path,
            env={**os.environ, "MUNIMENT_TARGET": registry.address, "MUNIMENT_DATA": str(registry.data)},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    whole = {words[1]: words for words in commands(repository / "README.md") if "churn" in words}
    assert set(whole) == {"push", "scan", "verify-signature"}
    assert run(*whole["push"]).startswith("Stored churn@1: ")
    assert "CLEAN" in run(*whole["scan"])
    assert run(*whole["verify-signature"], "--save", "saved.sig").startswith(
        "The signature of churn@1 is valid"
    )
    assert (tmp_path / "saved.sig").read_bytes() == (tmp_path / "model.sig").read_bytes()
    run("muniment", "delete", "churn@1")
    registry.stop()
    assert "say --delete to do it" in run("muniment-server", "gc", "--grace", "0s")
    assert re.match(r"gave back \d+ blobs ", run("muniment-server", "gc", "--grace", "0s", "--delete"))
