"""What a push records by itself reaches the registry: the code that ran, and where it ran."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import muniment
import pytest
from harness.processes import DEADLINE
from harness.server import ServerProcess
from muniment.provenance import find_environment

SCRIPT = """
import muniment

with muniment.connect() as registry:
    registry.push("churn", "weights.bin")
"""
REMOTE = "https://git.example.org/team/churn.git"


class WorkTree:
    """A training job under version control, run against the shared server."""

    def __init__(self, root: Path, known: dict[str, str]) -> None:
        self.root = root
        self._known = known

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        return self._run("git", *identity, *arguments).strip()

    def train(self, *command: str | Path) -> None:
        """Runs what pushes, with the root as working directory."""
        self._run(*command)

    def _run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, **self._known},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def work_tree(tmp_path: Path, shared_server: ServerProcess, project: str) -> WorkTree:
    """One commit with a script that pushes, and weights beside it that are in no commit."""
    (tmp_path / "repo/jobs").mkdir(parents=True)
    (tmp_path / "repo/jobs/train.py").write_text(SCRIPT)
    (tmp_path / "repo/weights.bin").write_bytes(b"weights")
    known = {
        "MUNIMENT_TARGET": shared_server.address,
        "MUNIMENT_TOKEN": shared_server.token,
        "MUNIMENT_PROJECT": project,
        # Wherever tests have their files, it is in no other work tree.
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
    }
    tree = WorkTree(tmp_path / "repo", known)
    tree.git("init", "-q")
    tree.git("add", "jobs")
    tree.git("commit", "-q", "-m", "first")
    tree.git("remote", "add", "origin", REMOTE.replace("://", "://me:secret@"))
    return tree


def test_a_version_names_the_commit_the_script_and_whether_it_was_changed(
    work_tree: WorkTree, registry: muniment.Registry
) -> None:
    commit = work_tree.git("rev-parse", "HEAD")
    script = work_tree.root / "jobs/train.py"
    work_tree.train(sys.executable, script)
    script.write_text(SCRIPT + "# another learning rate\n")
    work_tree.train(sys.executable, script)
    work_tree.git("commit", "-q", "-a", "-m", "second")
    work_tree.train(sys.executable, "-m", "jobs.train")
    assert [registry.show(f"churn@{number}").code for number in (1, 2, 3)] == [
        muniment.Code(REMOTE, commit, False, "jobs/train.py"),
        muniment.Code(REMOTE, commit, True, "jobs/train.py"),
        muniment.Code(REMOTE, work_tree.git("rev-parse", "HEAD"), False, "jobs.train"),
    ]


def test_a_version_pushed_by_the_command_names_the_commit_of_the_working_directory(
    work_tree: WorkTree, registry: muniment.Registry
) -> None:
    work_tree.train(Path(sys.executable).with_name("muniment"), "push", "churn", "weights.bin")
    expected = muniment.Code(REMOTE, work_tree.git("rev-parse", "HEAD"), False, "")
    assert registry.show("churn@1").code == expected


def test_a_version_names_python_the_packages_and_the_machine_it_was_made_with(
    work_tree: WorkTree, registry: muniment.Registry
) -> None:
    work_tree.train(sys.executable, work_tree.root / "jobs/train.py")
    environment = registry.show("churn@1").environment
    # The same interpreter runs this test.
    assert environment == find_environment()
    assert environment.packages["muniment"]


def test_a_version_made_outside_of_any_work_tree_names_the_script_alone(
    work_tree: WorkTree, registry: muniment.Registry
) -> None:
    (work_tree.root / ".git").rename(work_tree.root / "no-git")
    work_tree.train(sys.executable, work_tree.root / "jobs/train.py")
    assert registry.show("churn@1").code == muniment.Code(entry_point="train.py")
