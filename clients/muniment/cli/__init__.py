"""The ``muniment`` command: the verbs of the SDK, typed by people.

One module per noun holds its verbs and :mod:`muniment.cli.program` lists them. What they share on the way in
(where the registry is) is :mod:`muniment.cli.invocation`; on the way out (tables for people, JSON for programs)
:mod:`muniment.cli.output`. gRPC is imported when a verb runs, so that ``muniment --help`` answers at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

from muniment.cli.program import program

__all__ = ["main"]


def main() -> None:
    """Entry point of ``muniment``."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    program(prog_name="muniment")
