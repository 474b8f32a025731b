"""The README's commands work as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.processes import ProcessRunner
from harness.server import ServerFactory

_BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(repository: Path, language: str, kind: str = "") -> list[str]:
    """The README's code blocks of a language, in order; ``kind`` is the word behind it."""
    text = (repository / "README.md").read_text()
    return [body for found, word, body in _BLOCK.findall(text) if (found, word) == (language, kind)]


@pytest.fixture
def shell(repository: Path, tmp_path: Path) -> Path:
    """A folder in which ``. .venv/bin/activate`` works, as in the source tree after the first make."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".venv").symlink_to(Path(sys.prefix))
    return tmp_path / "tree"


def run(command: list[str], folder: Path) -> str:
    """What a command prints; it must succeed."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_first_commands_are_make_demo_and_make_test(repository: Path) -> None:
    assert blocks(repository, "sh")[0].split("\n") == ["make demo", "make test", ""]


def test_the_sdk_and_cli_examples_work_as_printed_against_a_served_registry(
    repository: Path, shell: Path, server_factory: ServerFactory
) -> None:
    (serve,) = blocks(repository, "sh", "server")
    assert serve.splitlines()[-1] == "muniment-server serve"
    server_factory(listen="127.0.0.1:7460")
    _, prepare, command_line = blocks(repository, "sh")
    run(["bash", "-ec", prepare], shell)
    (python,) = blocks(repository, "python")
    assert len([line for line in python.splitlines() if line.strip()]) <= 10
    assert "version 1 of churn, sha256:" in run([sys.executable, "-c", python], shell)
    printed = run(["bash", "-ec", command_line], shell)
    assert "stage.rolled_back" in printed
    assert (shell / "fetched" / "weights.bin").read_bytes() == (
        shell / "out" / "model" / "weights.bin"
    ).read_bytes()
    assert (shell / "served" / "weights.bin").exists()
    (predictions,) = blocks(repository, "python", "predictions")
    assert "name='customers', version='2026-11'" in run([sys.executable, "-c", predictions], shell)


def test_the_controller_example_deploys_what_is_in_production(
    repository: Path, shell: Path, server_factory: ServerFactory, processes: ProcessRunner
) -> None:
    server = server_factory()
    (shell / "model.bin").write_bytes(b"weights")
    muniment = [str(Path(sys.executable).with_name("muniment")), "--target", server.address]
    run([*muniment, "push", "churn", "model.bin"], shell)
    run([*muniment, "promote", "churn", "--to", "production"], shell)
    (controller,) = blocks(repository, "sh", "controller")
    command = controller.split()
    process = processes.start(
        Path(sys.executable).with_name(command[0]),
        *command[1:-1],
        str(shell / command[-1]),
        name="deployer",
        env={"MUNIMENT_TARGET": server.address},
    )
    process.wait_for_stderr("version 1 runs")
    assert (shell / command[-1] / "current" / "model.bin").read_bytes() == b"weights"


def test_every_setting_of_the_readme_exists(repository: Path) -> None:
    (example,) = blocks(repository, "sh", "example")
    server = [sys.executable, "-m", "muniment_server"]
    serve, create = (
        run([*server, *command, "--help"], repository) for command in (["serve"], ["token", "create"])
    )
    for variable in re.findall(r"MUNIMENT_\w+", example):
        assert variable in serve
    (client,) = blocks(repository, "sh", "client")
    client_help = run([sys.executable, "-m", "muniment.cli", "--help"], repository)
    for variable in re.findall(r"MUNIMENT_\w+", client):
        assert variable in client_help
    section = (repository / "README.md").read_text().split("## Run it for real")[1]
    for option in set(re.findall(r"--[a-z-]+", section)) - {"--help"}:
        assert option in serve + create, option
