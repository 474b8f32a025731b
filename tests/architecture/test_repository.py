"""The doors into the repository: make and the build machine's script."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

TARGETS = {"demo", "test", "check", "protos", "bench", "serve", "soak", "format", "lock"}


def test_make_alone_prints_help_with_every_target(repository: Path) -> None:
    # Without the variables of the make that may be running these tests.
    plain = {name: value for name, value in os.environ.items() if not re.fullmatch(r"M(AKE.*|FLAGS)", name)}
    shown = subprocess.run(
        ["make"], cwd=repository, env=plain, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^  (\w+) +\S", shown, re.MULTILINE)) == TARGETS | {"help"}


def test_every_target_is_phony(repository: Path) -> None:
    makefile = (repository / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony.group(1).split()) == TARGETS | {"help"}


def test_the_build_script_can_be_run(repository: Path) -> None:
    script = repository / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "make --no-print-directory check" in script.read_text()


def test_the_lock_pins_hashes_and_names_no_address(repository: Path) -> None:
    lock = (repository / "deploy/constraints.txt").read_text()
    assert "://" not in lock
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", lock)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
