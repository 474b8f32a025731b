"""What the front process may and may not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import importlib.machinery, sys
from importlib import import_module

missing, command = sys.argv[1].split(","), sys.argv[2]

class Thin(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in missing else super().find_spec(name, path, target)

sys.meta_path[:] = [Thin if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
del sys.argv[1:3]
import_module(command).main()
"""
"""Runs the entry point of a command as if some packages were not installed."""


def test_the_front_process_cannot_unpickle_models_as_it_loads_none_of_what_that_needs():
    script = (
        "import sys, muniment_deployer.cli, muniment_deployer.process\n"
        "banned = {'joblib', 'sklearn', 'numpy', 'muniment_core', 'muniment_deployer.worker'}\n"
        "banned |= {'uvicorn', 'starlette'}  # who only keeps a directory need not install them\n"
        "bad = banned & set(sys.modules)\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_a_worker_gets_no_token(monkeypatch):
    from muniment_deployer.worker_process import worker_environment

    monkeypatch.setenv("MUNIMENT_TOKEN", "mun_secret")
    monkeypatch.setenv("OTHER", "kept")
    environment = worker_environment()
    assert environment["OTHER"] == "kept"
    assert not [name for name in environment if name.startswith("MUNIMENT_")]


@pytest.mark.parametrize(
    ("command", "missing", "arguments", "sentence"),
    [
        (
            "muniment_deployer.cli",
            "uvicorn,starlette,sklearn",
            ("--model", "churn", "--into", "deployed", "--target", "127.0.0.1:1", "--serve", "127.0.0.1:0"),
            "packages that are not installed (starlette, uvicorn, sklearn): install muniment[deployer]",
        ),
        (
            "muniment_server.entry",
            "sqlalchemy",
            ("serve",),
            "muniment-server needs packages that are not installed (sqlalchemy): install muniment[server]",
        ),
    ],
    ids=["deployer", "server"],
)
def test_what_is_not_installed_is_told_with_how_to_install_it(
    tmp_path, command, missing, arguments, sentence
):
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT, missing, command, *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
