"""`muniment scan`, and what `muniment show` tells of the files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from muniment.v1 import inspection_pb2
from samples import model_files as make

Done = Callable[..., str]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Tensors, text and a pickle that does harm."""
    directory = tmp_path / "mixed"
    directory.mkdir()
    (directory / "model.safetensors").write_bytes(make.safetensors({"a": ("BF16", [200, 10], 4000)}))
    (directory / "old.pt").write_bytes(make.pytorch_file(make.harmful_pickle()))
    (directory / "notes.txt").write_text("text\n")
    return directory


def test_scan_tells_every_file_and_fails_unless_all_are_clean(
    cli: Callable[..., Any], done: Done, mixed: Path
) -> None:
    done("push", "scanned", mixed)
    outcome = cli("scan", "scanned")
    assert outcome.returncode == 1
    assert "verdict  MALICIOUS" in outcome.stdout
    assert "2,000 parameters in 1 tensors (BF16 2,000)" in outcome.stdout
    assert "model.safetensors: SAFETENSORS, 4.0 KiB, CLEAN" in outcome.stdout
    assert "old.pt: PYTORCH" in outcome.stdout
    assert "MALICIOUS: archive/data.pkl: imports posix.system" in outcome.stdout
    assert outcome.stderr == ""
    (mixed / "old.pt").unlink()
    done("push", "scanned", mixed)
    assert "verdict  CLEAN" in done("scan", "scanned", "--again")


def test_scan_prints_the_message_of_the_contract(cli: Callable[..., Any], done: Done, mixed: Path) -> None:
    done("push", "told", mixed)
    outcome = cli("scan", "told", "--json")
    assert outcome.returncode == 1
    found = Parse(outcome.stdout, inspection_pb2.Inspection())
    assert [file.path for file in found.files] == ["model.safetensors", "notes.txt", "old.pt"]
    assert json.loads(outcome.stdout)["verdict"] == "VERDICT_MALICIOUS"


def test_show_tells_formats_tensors_verdict_and_the_root_digest(
    cli: Callable[..., Any], done: Done, mixed: Path
) -> None:
    done("push", "shown", mixed)
    # `show` does not wait for long; this does.
    cli("scan", "shown")
    told = done("show", "shown")
    assert "root digest  sha256:" in told
    assert "1 SAFETENSORS" in told
    assert "1 PYTORCH" in told
    assert "2,000 parameters in 1 tensors" in told
    assert "MALICIOUS" in told
    assert "old.pt: MALICIOUS: imports posix.system" in told
