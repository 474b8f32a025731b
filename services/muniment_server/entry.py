"""Entry point of ``muniment-server``: says what to install where only the thin client is."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command."""
    try:
        from muniment_server.cli import main as command
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing.startswith("muniment"):
            raise
        sys.exit(
            f"muniment-server needs packages that are not installed ({missing}): install muniment[server]"
        )
    command(prog_name="muniment-server")
