"""What people get who install the wheel: the right packages, and a thin SDK."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from harness.environments import Environment, make_environment, run
from harness.server import ServerProcess

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
# Every module of the SDK and the command, also those that wait for a verb which needs them.
IMPORT_ALL = f"""
import importlib, json, pkgutil, sys
import muniment
names = [module.name for module in pkgutil.walk_packages(muniment.__path__, "muniment.")]
for name in names:
    if not name.endswith(".__main__"):
        importlib.import_module(name)
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps({{"modules": names, "heavy": sorted(loaded & set({HEAVY!r}))}}))
"""
PUSH_AND_PULL = f"""
import json, sys
import muniment
target, token, source, into = sys.argv[1:]
with muniment.connect(target, token=token) as registry:
    version = registry.push("thin", source, metrics={{"f1": 0.9}})
    registry.promote(version, to="production")
    registry.pull("thin@production", into)
    with registry.predictions("thin@production") as predictions:
        prediction = predictions.record(input=b"row", output=b"stays")
        predictions.flush()
    assert registry.audit.verify(full=True)
    assert registry.receipt(prediction)
loaded = {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps({{"number": version.number, "heavy": sorted(loaded & set({HEAVY!r}))}}))
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


def test_every_module_of_the_sdk_can_be_imported_with_the_base_dependencies_alone(
    thin: Environment, repository: Path
) -> None:
    found = json.loads(thin.run("python", "-W", "error", "-c", IMPORT_ALL))
    in_tree = [path for path in (repository / "clients/muniment").rglob("*.py") if path.stem != "__init__"]
    assert len(found["modules"]) > len(in_tree)
    assert found["heavy"] == []


def test_the_sdk_pushes_pulls_and_proves_with_the_base_dependencies_alone(
    thin: Environment, server: ServerProcess, tmp_path: Path
) -> None:
    source = tmp_path / "model"
    source.mkdir()
    (source / "weights.bin").write_bytes(os.urandom(3_000_000))
    arguments = (server.address, server.token, source, tmp_path / "into")
    done = json.loads(thin.run("python", "-W", "error", "-c", PUSH_AND_PULL, *arguments))
    assert done == {"number": 1, "heavy": []}
    assert (tmp_path / "into/weights.bin").read_bytes() == (source / "weights.bin").read_bytes()


def test_the_command_pushes_and_pulls_with_the_base_dependencies_alone(
    thin: Environment, server: ServerProcess, tmp_path: Path
) -> None:
    source = tmp_path / "weights.bin"
    source.write_bytes(os.urandom(3_000_000))
    registry = ("muniment", "--target", server.address, "--token", server.token)
    assert thin.run(*registry, "push", "thin", source).startswith("Stored thin@1: 1 file, 2.9 MiB, ")
    assert thin.run(*registry, "pull", "thin", tmp_path / "into").startswith("Fetched thin@1 into ")
    assert (tmp_path / "into/weights.bin").read_bytes() == source.read_bytes()


def test_importing_the_sdk_takes_less_than_four_tenths_of_a_second(thin: Environment) -> None:
    # The one figure the suite holds to: a training script pays it on every start. Best of several, so
    # that a busy machine does not count.
    best = min(json.loads(thin.run("python", "-c", IMPORT))["seconds"] for _ in range(7))
    assert best < 0.4
