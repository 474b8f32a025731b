"""Finds processes that tests left behind: a test run that ends must end wholly."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

PATIENCE = 60.0
"""Seconds an embedded server may take to notice that its last client has gone, grace included, and to end: far
more than it takes, for the machine may be busy."""


def end_leftovers(directory: Path, *, patience: float = PATIENCE) -> list[str]:
    """Waits for processes that name `directory` in their command, then kills what is left.

    Returns:
        A line per killed process; empty when all ended by themselves.
    """
    until = time.monotonic() + patience
    while (found := _naming(directory)) and time.monotonic() < until:
        time.sleep(0.1)
    killed = []
    for process in found:
        try:
            killed.append(f"{process.pid}: {' '.join(process.cmdline())}")
            process.kill()
            process.wait(5)
        except psutil.NoSuchProcess:
            continue
    return killed


def _naming(directory: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid != psutil.Process().pid
        and any(argument.startswith(f"{directory}/") for argument in process.info["cmdline"] or ())
    ]
