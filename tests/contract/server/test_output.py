"""What `muniment-server` has to say where it cannot be said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "muniment-server"


@pytest.mark.parametrize(
    "words", [("serve", "--listen", "127.0.0.1:0"), ("migrate",)], ids=lambda words: str(words[0])
)
def test_output_that_cannot_be_written_ends_a_command_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        outcome = subprocess.run(
            [PROGRAM, *words, "--data", "registry"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines()[-1] == "Error: No space left on device"
    assert "Traceback" not in outcome.stderr
