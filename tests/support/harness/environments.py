"""Fresh Python environments, as people get them who install the wheel."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

UV = Path(sys.executable).with_name("uv")


class CommandFailed(AssertionError):
    """A command of a test ended with an error; shows what it wrote."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin/python"

    def run(self, *command: str | Path) -> str:
        """Runs one of its programs and returns standard output."""
        program, *arguments = command
        return run(self.directory / "bin" / program, *arguments)


def make_environment(directory: Path, *requirements: str | Path) -> Environment:
    """Makes an environment with the same Python and installs requirements into it.

    What uv has cached is enough where it fits; only otherwise the package index is asked.
    """
    run(UV, "venv", "--quiet", "--python", sys.executable, directory)
    environment = Environment(directory)
    install = (UV, "pip", "install", "--quiet", "--python", environment.python, *requirements)
    try:
        run(*install, "--offline")
    except CommandFailed:
        run(*install)
    return environment


def build_wheel(source: Path, into: Path) -> Path:
    """Builds the wheel with the build backend installed beside the tests; no index is needed."""
    build = (UV, "build", "--quiet", "--offline", "--wheel", "--no-build-isolation")
    run(*build, "--python", sys.executable, "--out-dir", into, source)
    (wheel,) = into.glob("*.whl")
    return wheel


def run(*command: str | Path) -> str:
    """Runs a command to its end and returns standard output.

    Raises:
        CommandFailed: its exit status is not 0.
    """
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False
    )
    if result.returncode != 0:
        raise CommandFailed(
            f"{' '.join(map(str, command))} ended with {result.returncode}\n{result.stdout}{result.stderr}"
        )
    return result.stdout
