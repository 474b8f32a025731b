"""The ``muniment`` command: the verbs of the SDK, typed by people.

One module per noun holds its verbs; :mod:`muniment.cli.invocation` is what they share on the way in (where the
registry is), :mod:`muniment.cli.output` on the way out (tables for people, JSON for programs). gRPC is imported
when a verb runs, so that ``muniment --help`` answers at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

from muniment.cli import (  # noqa: F401  # each adds its verbs to the command
    push,
    pull,
    models,
    versions,
    aliases,
    stages,
    ledger,
    deployments,
    access,
    projects,
)  # fmt: skip  # isort: skip  # in the order in which --help lists them
from muniment.cli.program import program

__all__ = ["main"]


def main() -> None:
    """Entry point of ``muniment``."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    program(prog_name="muniment")
