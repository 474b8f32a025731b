"""The ``muniment`` command: the verbs of the SDK, typed by people.

One module per noun holds its verbs and :mod:`muniment.cli.program` lists them. What they share on the way in
(where the registry is) is :mod:`muniment.cli.invocation`; on the way out (tables for people, JSON for programs)
:mod:`muniment.cli.output`. gRPC is imported when a verb runs, so that ``muniment --help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Entry point of ``muniment``."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to fail.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _asked_to_end():
            # Whoever presses Ctrl-C while the verbs are loaded has asked to end, too.
            from muniment.cli.program import program

            program(prog_name="muniment")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


@contextmanager
def _asked_to_end() -> Iterator[None]:
    """End by the usual way when asked to, so that what a transfer has begun is cleared up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        # Once: nothing interrupts the clearing up.
        for asked in handlers:
            signal.signal(asked, signal.SIG_IGN)
        raise SystemExit(128 + number)

    # A program started by nohup ignores the end of its terminal, and goes on doing so.
    numbers = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
    ]
    handlers = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
