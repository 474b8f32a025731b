"""The stubs work under every protobuf runtime the SDK allows: nobody must upgrade for our sake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.environments import make_environment

pytestmark = pytest.mark.xdist_group("environments")

# The oldest grpcio the SDK allows has no wheels for newer Pythons, which then take the newest.
OLDEST_GRPCIO = ("grpcio==1.62.3 ; python_version < '3.13'", "grpcio ; python_version >= '3.13'")


@pytest.mark.parametrize(
    ("protobuf", "grpcio"),
    [
        pytest.param("4.25", OLDEST_GRPCIO, id="protobuf-4.25"),
        pytest.param("5.29", ("grpcio>=1.70",), id="protobuf-5.29"),
        pytest.param("6.33", ("grpcio>=1.76",), id="protobuf-6.33"),
        pytest.param("7", ("grpcio>=1.80",), id="protobuf-7"),
    ],
)
def test_the_stubs_import_carry_options_and_talk(
    wheel: Path, tmp_path: Path, protobuf: str, grpcio: tuple[str, ...]
) -> None:
    environment = make_environment(tmp_path / "venv", wheel, f"protobuf=={protobuf}.*", *grpcio)
    report = json.loads(environment.run("python", "-W", "error", Path(__file__).with_name("stub_probe.py")))
    assert report["protobuf"].startswith(f"{protobuf}.")
    assert report["messages"] > 60
    assert report["methods"] > 30
