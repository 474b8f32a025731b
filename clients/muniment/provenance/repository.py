"""What git says of a directory, asked so that it neither waits, nor asks back, nor runs anything else."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SECONDS = 5.0
"""For all questions together; a work tree that is not compared by then counts as changed."""

# Set when git itself started this process, for example from a hook: they would answer for another directory.
_MISLEADING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
)
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_SSH_SHORT = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<rest>[A-Za-z0-9.-]+:[^@]*)")


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree of git with a commit.

    Attributes:
        root: its top directory.
        remote: address of ``origin`` without credentials, or empty.
        dirty: whether tracked files differ from the commit, or could not be compared in time.
    """

    root: Path
    remote: str
    commit: str
    dirty: bool


def find_work_tree(directory: Path) -> WorkTree | None:
    """The work tree a directory is in, or None when there is none, no commit, or no git."""
    deadline = time.monotonic() + SECONDS
    answer = _git(directory, ("rev-parse", "--show-toplevel", "HEAD"), deadline)
    root, _, commit = (answer or "").rstrip("\n").rpartition("\n")
    if not root or not _COMMIT.fullmatch(commit):
        return None
    changes = _git(Path(root), ("status", "--porcelain", "--untracked-files=no"), deadline)
    remote = _git(Path(root), ("config", "--get", "remote.origin.url"), deadline)
    return WorkTree(Path(root), without_credentials((remote or "").strip()), commit, changes != "")


def without_credentials(address: str) -> str:
    """The address of a repository without user, password, query and fragment; empty when it cannot be told.

    >>> without_credentials("https://me:secret@git.example/team/churn.git?token=x")
    'https://git.example/team/churn.git'
    >>> without_credentials("git@git.example:team/churn.git")
    'git@git.example:team/churn.git'
    """
    if "::" in address:
        # A remote helper, whose words only it understands.
        return ""
    if "://" in address:
        try:
            parts = urlsplit(address)
        except ValueError:
            return ""
        user, _, host = parts.netloc.rpartition("@")
        # The user of ssh is no secret, and the address is none without it.
        kept = f"{user.partition(':')[0]}@" if user and parts.scheme in ("ssh", "git+ssh") else ""
        return urlunsplit((parts.scheme, kept + host, parts.path, "", ""))
    if match := _SSH_SHORT.fullmatch(address):
        return f"{match['user']}@{match['rest']}" if match["user"] else match["rest"]
    return "" if "@" in address else address


def _git(directory: Path, arguments: Sequence[str], deadline: float) -> str | None:
    """Standard output of a git command, or None when it failed or took too long."""
    environment = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
    # A file system monitor named in the repository's configuration would be run, and might not end.
    command = ["git", "-C", str(directory), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, **_QUIET},
            timeout=max(deadline - time.monotonic(), 0.01),
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "surrogateescape")
