"""Fixtures about the source tree as a whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from harness.environments import build_wheel


@pytest.fixture(scope="session")
def source_files(repository: Path) -> list[Path]:
    """Every file that is tracked or would be: what git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in listing.split("\0") if name and (path := repository / name).is_file()]


@pytest.fixture(scope="session")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return build_wheel(repository, tmp_path_factory.mktemp("wheel"))
