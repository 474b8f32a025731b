"""What the registry answers with, as frozen dataclasses with the field names of the contract.

Times are aware datetimes, absent ones None. ``message`` keeps the protobuf message a value was read from.
"""

from muniment.values.access import Grant, Identity, Token
from muniment.values.catalog import Alias, Model, Project, StagePointer, Version
from muniment.values.comparison import ComparedFile, ComparedVersion, Comparison, Difference, FileCounts
from muniment.values.document import Document
from muniment.values.evidence import (
    Code,
    Dataset,
    Environment,
    Metric,
    Parent,
    ProcessingStep,
    Run,
    Signature,
)
from muniment.values.inspection import Finding, InspectedFile, Inspection, TensorFacts
from muniment.values.ledger import Event
from muniment.values.lineage import Lineage, LineageEdge, LineageNode
from muniment.values.predictions import Prediction, PredictionCount, PredictionTrace, Receipt
from muniment.values.proofs import Checkpoint, ConsistencyProof, InclusionProof, LogKey
from muniment.values.signature import VersionSignature
from muniment.values.stages import Deployment, Promotion, Stage, StageMove
from muniment.values.usage import Usage

__all__ = [
    "Alias",
    "Checkpoint",
    "Code",
    "ComparedFile",
    "ComparedVersion",
    "Comparison",
    "ConsistencyProof",
    "Dataset",
    "Deployment",
    "Difference",
    "Document",
    "Environment",
    "Event",
    "FileCounts",
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
    "Parent",
    "Prediction",
    "PredictionCount",
    "PredictionTrace",
    "ProcessingStep",
    "Project",
    "Promotion",
    "Receipt",
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
]
