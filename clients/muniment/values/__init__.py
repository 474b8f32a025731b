"""What the registry answers with, as frozen dataclasses with the field names of the contract.

Times are aware datetimes, absent ones None. ``message`` keeps the protobuf message a value was read from.
"""

from muniment.values.access import Grant, Identity, Token
from muniment.values.catalog import Alias, Model, Project, StagePointer, Version
from muniment.values.evidence import Code, Dataset, Environment, Metric, Parent, ProcessingStep, Run
from muniment.values.ledger import Event
from muniment.values.predictions import Prediction, PredictionCount, PredictionTrace, Receipt
from muniment.values.stages import Deployment, Promotion, Stage, StageMove

__all__ = [
    "Alias",
    "Code",
    "Dataset",
    "Deployment",
    "Environment",
    "Event",
    "Grant",
    "Identity",
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
    "Stage",
    "StageMove",
    "StagePointer",
    "Token",
    "Version",
]
