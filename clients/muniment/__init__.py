"""Muniment: a model registry that can prove what it says.

::

    import muniment

    with muniment.connect() as registry:
        version = registry.push("churn", "out/model/", metrics={"f1": 0.91})
        registry.promote(version, to="production", reason="beats the incumbent on the holdout set")

Importing this package loads nothing but this module; each name is fetched when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment import errors
    from muniment.errors import MunimentError
    from muniment.predictions import PredictionRecorder
    from muniment.registry import Registry, Watch, connect
    from muniment.values import (
        Alias,
        Checkpoint,
        Code,
        Comparison,
        ConsistencyProof,
        Dataset,
        Deployment,
        Difference,
        Document,
        Environment,
        Event,
        Finding,
        Grant,
        Identity,
        InclusionProof,
        InspectedFile,
        Inspection,
        Lineage,
        LineageEdge,
        LineageNode,
        LogKey,
        Metric,
        Model,
        Parent,
        Prediction,
        PredictionCount,
        PredictionTrace,
        ProcessingStep,
        Project,
        Promotion,
        Receipt,
        Run,
        Signature,
        Stage,
        StageMove,
        StagePointer,
        TensorFacts,
        Token,
        Usage,
        Version,
        VersionSignature,
    )

__all__ = [
    "Alias",
    "Checkpoint",
    "Code",
    "Comparison",
    "ConsistencyProof",
    "Dataset",
    "Deployment",
    "Difference",
    "Document",
    "Environment",
    "Event",
    "Finding",
    "Grant",
    "Identity",
    "InclusionProof",
    "InspectedFile",
    "Inspection",
    "Lineage",
    "LineageEdge",
    "LineageNode",
    "LogKey",
    "Metric",
    "Model",
    "MunimentError",
    "Parent",
    "Prediction",
    "PredictionCount",
    "PredictionRecorder",
    "PredictionTrace",
    "ProcessingStep",
    "Project",
    "Promotion",
    "Receipt",
    "Registry",
    "Run",
    "Signature",
    "Stage",
    "StageMove",
    "StagePointer",
    "TensorFacts",
    "Token",
    "Usage",
    "Version",
    "VersionSignature",
    "Watch",
    "connect",
    "errors",
]

_VALUES = "muniment.values"
_HOMES = {
    "MunimentError": "muniment.errors",
    "PredictionRecorder": "muniment.predictions",
    "Registry": "muniment.registry.client",
    "Watch": "muniment.registry.watch",
    "connect": "muniment.registry.connection",
}


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("muniment.errors")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES.get(name, _VALUES)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
