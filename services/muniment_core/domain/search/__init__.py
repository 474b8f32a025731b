"""What is searched for, as pure values: fields, conditions on them, and the order of the answer.

The metadata service reads a filter into these values and the database layer compiles them to SQL; neither
knows the other. What a condition means is told in the contract, on ``SearchVersionsRequest.filter``.
"""

from __future__ import annotations

from muniment_core.domain.search.expression import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Condition,
    Expression,
    Not,
    Operator,
    OrderKey,
    Query,
    Value,
    conditions_of,
)
from muniment_core.domain.search.fields import MODEL_FIELDS, VERSION_FIELDS, Aspect, Field, FieldSpec, Kind

__all__ = [
    "EVERYTHING",
    "MODEL_FIELDS",
    "VERSION_FIELDS",
    "AllOf",
    "AnyOf",
    "Aspect",
    "Condition",
    "Expression",
    "Field",
    "FieldSpec",
    "Kind",
    "Not",
    "Operator",
    "OrderKey",
    "Query",
    "Value",
    "conditions_of",
]
