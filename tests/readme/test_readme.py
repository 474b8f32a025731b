"""The README's commands work as printed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path
from shlex import quote

import pytest
from harness.processes import ProcessRunner
from harness.s3 import S3Server
from harness.server import ServerFactory
from harness.tls import tls_in_front_of

DEFAULT_PORT = 7460

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


@pytest.fixture
def newcomer(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody who has set nothing up: where things are is what the programs say themselves."""
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    return home


@pytest.fixture
def elsewhere(processes: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the README's server listens: as printed, unless somebody else does."""
    with socket.socket() as probe:
        # As a server binds it: what is left of connections that have ended is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            address = f"127.0.0.1:{processes.hold_port()}"
            monkeypatch.setenv("MUNIMENT_LISTEN", address)
            monkeypatch.setenv("MUNIMENT_TARGET", address)
            return address
    return f"127.0.0.1:{DEFAULT_PORT}"


def run(command: list[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def activated(block: str) -> list[str]:
    """Typed in a terminal in which the environment is active, line by line until one fails."""
    return ["bash", "-ec", f". .venv/bin/activate\n{block}"]


def substituted(block: str, places: Mapping[str, str]) -> str:
    """The block with names that mean nothing here replaced, each of which it has once."""
    for name, real in places.items():
        assert block.count(name) == 1, name
        block = block.replace(name, real)
    return block


def test_the_first_commands_are_make_demo_and_make_test(repository: Path) -> None:
    first = blocks(repository, "sh")[0]
    assert first.split("\n") == ["make demo", "make test", ""]
    for command, does in zip(first.splitlines(), ("deploy/demo/demo.py", "-m pytest"), strict=True):
        assert does in run([*command.split(), "--dry-run"], repository)


def test_the_server_the_sdk_and_the_cli_examples_work_as_printed(
    repository: Path, shell: Path, newcomer: Path, elsewhere: str, processes: ProcessRunner
) -> None:
    (serve,) = blocks(repository, "sh", "server")
    server = processes.start("bash", "-ec", serve, cwd=shell, name="README's server")
    assert server.wait_for_line(r"^serving on (\S+)$").group(1) == elsewhere
    assert (newcomer / ".local/share/muniment/muniment.db").is_file()
    _, prepare, command_line = blocks(repository, "sh")
    run(["bash", "-ec", prepare], shell)
    (python,) = blocks(repository, "python")
    assert len([line for line in python.splitlines() if line.strip()]) <= 10
    assert "version 1 of churn, sha256:" in run(activated(f"python -c {quote(python)}"), shell)
    printed = run(activated(command_line), shell)
    assert "stage.rolled_back" in printed
    assert (shell / "fetched" / "weights.bin").read_bytes() == (
        shell / "out" / "model" / "weights.bin"
    ).read_bytes()
    assert (shell / "served" / "weights.bin").exists()
    (predictions,) = blocks(repository, "python", "predictions")
    traced = run(activated(f"python -c {quote(predictions)}"), shell)
    assert "name='customers', version='2026-11'" in traced


def test_the_example_with_postgresql_and_s3_works_with_addresses_that_exist(
    repository: Path,
    shell: Path,
    newcomer: Path,
    processes: ProcessRunner,
    postgres_database: str,
    s3_server: S3Server,
    s3_bucket: str,
    tmp_path: Path,
) -> None:
    (example,) = blocks(repository, "sh", "example")
    install, _, rest = example.partition("\n")
    assert install == "pip install 'muniment[server]'"
    assert "server" in (metadata("muniment").get_all("Provides-Extra") or ())
    address = f"127.0.0.1:{processes.hold_port()}"
    places = {
        "postgresql://muniment@db.internal/muniment": quote(postgres_database),
        "s3.internal:9000": s3_server.endpoint,
        "MUNIMENT_S3_BUCKET=models": f"MUNIMENT_S3_BUCKET={s3_bucket}",
        "MUNIMENT_S3_ACCESS_KEY=…": f"MUNIMENT_S3_ACCESS_KEY={s3_server.access_key}",
        "MUNIMENT_S3_SECRET_KEY=…": f"MUNIMENT_S3_SECRET_KEY={s3_server.secret_key}",
        "127.0.0.1:7460": address,
    }
    lines = substituted(rest, places).splitlines(keepends=True)
    serve = next(index for index, line in enumerate(lines) if line.startswith("muniment-server serve "))
    exports = [line for line in lines if line.startswith("export ")]
    # The S3 server of tests speaks no TLS.
    plain = {"MUNIMENT_S3_PLAIN_HTTP": "1"}
    server = processes.start(*activated("".join(lines[: serve + 1])), cwd=shell, name="server", env=plain)
    server.wait_for_line(f"^serving on {address}$")
    created = run(activated("".join([*exports, *lines[serve + 1 :]])), shell, plain)
    secret = created.split()[-1]

    (client,) = blocks(repository, "sh", "client")
    with tls_in_front_of(address, tmp_path) as front:
        places = {"registry.internal:443": front.address, "MUNIMENT_TOKEN=…": f"MUNIMENT_TOKEN={secret}"}
        trusting = {"SSL_CERT_FILE": str(front.certificate)}
        (shell / "weights.bin").write_bytes(os.urandom(100_000))
        before, listing = substituted(client, places).splitlines()
        pushed = run(activated(f"{before}\nmuniment push churn weights.bin\n{listing}"), shell, trusting)
    assert "Stored churn@1" in pushed
    assert re.search(r"^churn +1 .* training$", pushed, re.MULTILINE)
    stored = sum(path.stat().st_size for path in (s3_server.root / s3_bucket).rglob("*") if path.is_file())
    assert stored >= 100_000
    assert not list(newcomer.rglob("muniment.db"))


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
