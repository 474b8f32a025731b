"""Writes deploy/constraints.txt from pyproject.toml, and tells whether it still fits.

    python deploy/tools/lock.py write [--upgrade]    # the newest versions only with --upgrade
    python deploy/tools/lock.py check

`check` resolves anew with the locked versions preferred, so that a newer release somewhere is no
difference. Without a package index only what can be told from the two files is compared.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYPROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "deploy/constraints.txt"
COMPILE = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--all-extras", "pyproject.toml"),
)
UNREACHABLE = re.compile(
    r"failed to fetch|error sending request|dns error|connection|connect error|timed out|network",
    re.IGNORECASE,
)


class NotResolved(Exception):
    """uv found no set of versions; carries what it said."""

    @property
    def unreachable(self) -> bool:
        """Whether that was for want of a package index."""
        return bool(UNREACHABLE.search(str(self)))


def main(arguments: list[str]) -> int:
    match arguments:
        case ["write", *options]:
            return write(*options)
        case ["check"]:
            return check()
        case _:
            print("usage: lock.py write [--upgrade] | check", file=sys.stderr)
            return 2


def write(*options: str) -> int:
    """Resolves and writes; keeps locked versions that still fit unless told to upgrade."""
    before = CONSTRAINTS.read_text() if CONSTRAINTS.exists() else ""
    try:
        CONSTRAINTS.write_text(_resolve(before, *options))
    except NotResolved as reason:
        print(f"deploy/constraints.txt stays as it was:\n{reason}", file=sys.stderr)
        return 1
    return 0


def check() -> int:
    """Prints what does not fit."""
    text = CONSTRAINTS.read_text()
    faults = [*improper(text), *unmet(text)] or changes(text)
    for fault in faults:
        print(f"deploy/constraints.txt {fault}", file=sys.stderr)
    if faults:
        print("Run `make lock`.", file=sys.stderr)
    return 1 if faults else 0


def pins(text: str) -> set[str]:
    """Requirement lines of a lock, `name==version ; marker`, without hashes and comments."""
    return {line.rstrip("\\ ") for line in text.splitlines() if re.match(r"[a-zA-Z0-9]", line)}


def improper(text: str) -> list[str]:
    """What no lock of ours may have: an address, or a pin without a hash."""
    faults = ["names an address"] if "://" in text else []
    for block in re.split(r"\n(?=[a-zA-Z0-9])", text):
        if pins(block) and "--hash=sha256:" not in block:
            faults.append(f"has no hash for {block.splitlines()[0]}")
    return faults


def unmet(text: str) -> list[str]:
    """Requirements of pyproject.toml that no pin meets."""
    # Not at the top: `write` runs before anything is installed.
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads(PYPROJECT.read_text())["project"]
    wanted = [
        Requirement(line)
        for group in (project["dependencies"], *project["optional-dependencies"].values())
        for line in group
    ]
    # A package may be pinned more than once, for different Pythons or platforms.
    locked: dict[str, list[str]] = {}
    for pin in map(Requirement, pins(text)):
        locked.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier).removeprefix("=="))
    return [
        f"locks nothing that meets {requirement}"
        for requirement in wanted
        if requirement.name != project["name"]
        and not any(
            requirement.specifier.contains(version, prereleases=True)
            for version in locked.get(canonicalize_name(requirement.name), [])
        )
    ]


def changes(text: str) -> list[str]:
    """How a fresh resolution differs; nothing when no index can be asked."""
    try:
        if pins(_resolve(text, "--offline")) == pins(text):
            return []
    except NotResolved:
        pass  # the cache does not hold all of it: ask the index
    try:
        fresh = pins(_resolve(text))
    except NotResolved as reason:
        if not reason.unreachable:
            return [f"cannot be made, pyproject.toml does not resolve:\n{reason}"]
        print(f"No package index answers, so only names and bounds were compared.\n{reason}", file=sys.stderr)
        return []
    return [f"lacks {pin}" for pin in sorted(fresh - pins(text))] + [
        f"holds {pin}, which nothing asks for" for pin in sorted(pins(text) - fresh)
    ]


def _resolve(text: str, *options: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "constraints.txt"
        output.write_text(text)  # uv keeps the versions it finds in its output file
        uv = Path(sys.executable).with_name("uv")
        result = subprocess.run(
            [str(uv), *COMPILE, *options, "--output-file", str(output)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise NotResolved(result.stderr.strip())
        return output.read_text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
