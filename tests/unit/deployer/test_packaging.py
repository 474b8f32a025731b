"""What the front process may and may not load."""

from __future__ import annotations

import subprocess
import sys


def test_the_front_process_cannot_unpickle_models_as_it_loads_none_of_what_that_needs():
    script = (
        "import sys, muniment_deployer.cli, muniment_deployer.process\n"
        "banned = {'joblib', 'sklearn', 'numpy', 'muniment_core', 'muniment_deployer.worker'}\n"
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
