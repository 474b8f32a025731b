"""Rooms a newcomer finds, and nothing in the tree that belongs to one machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MOST_LINES = 400
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
GENERATED = re.compile(r"clients/muniment/v1/\w+_pb2(_grpc)?\.pyi?$")

# Dependencies come from whichever index the installing machine uses; the tree names none.
REGISTRY_HOST = re.compile(
    r"(pypi|rubygems|npmjs|crates)\.(org|io|com)\b|pythonhosted\.org|conda\.anaconda\.|proxy\.golang\.", re.I
)
HOME_PATH = re.compile(r"(?<![\w.~/-])/(?:(?:home|Users)/[a-z]|root[/]|work[/])")


def test_import_contracts_hold(repository: Path) -> None:
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_module_is_longer_than_four_hundred_lines(repository: Path, source_files: list[Path]) -> None:
    lengths = {
        name: len(path.read_text().splitlines())
        for path in source_files
        if path.suffix == ".py" and not GENERATED.match(name := str(path.relative_to(repository)))
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_module_has_a_name_that_says_nothing(repository: Path, source_files: list[Path]) -> None:
    assert [
        str(path.relative_to(repository))
        for path in source_files
        if path.suffix == ".py" and SAY_NOTHING & {part.lower() for part in path.with_suffix("").parts}
    ] == []


def test_no_file_names_a_package_registry(repository: Path, source_files: list[Path]) -> None:
    assert _matches(REGISTRY_HOST, repository, source_files) == []


def test_no_file_names_a_path_of_somebodys_machine(repository: Path, source_files: list[Path]) -> None:
    assert _matches(HOME_PATH, repository, source_files) == []


def _matches(pattern: re.Pattern[str], repository: Path, files: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(repository)}:{number}: {line.strip()}"
        for path in files
        if b"\0" not in (content := path.read_bytes())
        for number, line in enumerate(content.decode().splitlines(), 1)
        if pattern.search(line)
    ]
