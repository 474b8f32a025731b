"""What people see of the package, and what it costs to import it."""

from __future__ import annotations

import json
import subprocess
import sys

import muniment
import pytest

NAMES = """Alias Checkpoint Code Comparison ConsistencyProof Dataset Deployment Difference Document Environment
Event Finding Grant Identity InclusionProof InspectedFile Inspection Lineage LineageEdge LineageNode LogKey Metric
Model MunimentError Parent Prediction PredictionCount PredictionRecorder PredictionTrace ProcessingStep
Project Promotion Receipt Registry Run Signature Stage StageMove StagePointer TensorFacts Token Usage Version
VersionSignature Watch connect
errors"""

IMPORTED = """
import sys
before = set(sys.modules)
import muniment
print(__import__("json").dumps(sorted(set(sys.modules) - before)))
"""


def test_the_public_names_are_these() -> None:
    assert muniment.__all__ == NAMES.split()
    assert set(muniment.__all__) <= set(dir(muniment))


@pytest.mark.parametrize("name", NAMES.split())
def test_every_public_name_is_there(name) -> None:
    assert getattr(muniment, name) is getattr(muniment, name)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = muniment.nothing  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_beyond_the_standard_library() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign <= {"muniment"}
    assert [name for name in loaded if name.startswith("muniment")] == ["muniment"]
