"""Starting an embedded server: what its process is given."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from muniment.embedded.process import start_server

STAND_IN = """#!/bin/sh
env > "$0.env"
echo "serving on 127.0.0.1:1"
"""


def test_settings_of_another_registry_do_not_reach_the_server_of_a_directory(tmp_path, monkeypatch) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    monkeypatch.setenv("MUNIMENT_DATABASE", "postgresql://db.internal/production")
    monkeypatch.setenv("MUNIMENT_S3_BUCKET", "production")
    monkeypatch.setenv("MUNIMENT_CONFIG", str(tmp_path / "production.toml"))
    monkeypatch.setenv("OTHER", "kept")

    assert start_server(tmp_path, time.monotonic() + 60) == "127.0.0.1:1"

    given = Path(f"{stand_in}.env").read_text().splitlines()
    assert "OTHER=kept" in given
    assert not [line for line in given if line.startswith("MUNIMENT_")]
