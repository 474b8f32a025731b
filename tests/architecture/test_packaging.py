"""What people get who install the wheel: the right packages, and a thin SDK."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest
from harness.environments import Environment, make_environment, run

# One worker builds the wheel and the environments.
pytestmark = pytest.mark.xdist_group("environments")

PACKAGES = {
    *("muniment", "muniment_deployer", "muniment_core", "muniment_metadata"),
    *("muniment_artifact", "muniment_promotion", "muniment_server"),
}
HEAVY = ("sqlalchemy", "minio", "alembic", "opentelemetry", "muniment_core")
IMPORT = f"""
import json, sys, time
begin = time.perf_counter()
import muniment
seconds = time.perf_counter() - begin
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps({{"seconds": seconds, "heavy": sorted(loaded & set({HEAVY!r}))}}))
"""


@pytest.fixture(scope="module")
def thin(
    wheel: Path, repository: Path, _session_home: None, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """An environment with the wheel and the base dependencies alone, in their locked versions."""
    lock = repository / "deploy/constraints.txt"
    return make_environment(tmp_path_factory.mktemp("thin") / "venv", wheel, "--constraints", lock)


def test_the_wheel_holds_our_packages_and_no_folder_of_the_tree(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == PACKAGES


def test_the_wheel_holds_every_module_of_the_tree(wheel: Path, repository: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith((".py", ".pyi"))}
    modules = {
        str(path.relative_to(root))
        for root in (repository / "clients", repository / "services")
        for path in root.rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
    assert packed == modules


def test_the_sdk_loads_nothing_heavy_even_where_it_is_installed() -> None:
    assert json.loads(run(sys.executable, "-c", IMPORT))["heavy"] == []


def test_the_sdk_works_with_the_base_dependencies_alone(thin: Environment) -> None:
    assert json.loads(thin.run("python", "-W", "error", "-c", IMPORT))["heavy"] == []


def test_the_command_line_works_with_the_base_dependencies_alone(thin: Environment) -> None:
    assert "Usage: muniment" in thin.run("muniment", "--help")


def test_importing_the_sdk_takes_less_than_four_tenths_of_a_second(thin: Environment) -> None:
    # The one figure the suite holds to: a training script pays it on every start. Best of several, so
    # that a busy machine does not count.
    best = min(json.loads(thin.run("python", "-c", IMPORT))["seconds"] for _ in range(7))
    assert best < 0.4
