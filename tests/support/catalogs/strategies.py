"""Random catalogs and random queries, from values that are likely to meet."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hypothesis import strategies as st
from muniment.names import ModelName
from muniment_core.domain.catalog import Code, Dataset, ModelState, ParentRelation, Run, VersionState
from muniment_core.domain.search import (
    MODEL_FIELDS,
    VERSION_FIELDS,
    AllOf,
    AnyOf,
    Aspect,
    Condition,
    Expression,
    Field,
    FieldSpec,
    Kind,
    Not,
    Operator,
    OrderKey,
    Query,
    Value,
)

from catalogs.made_up import MadeUp, at
from catalogs.made_up_models import MadeUpModel

PROJECT = "made-up"
KEYS = st.sampled_from(["k", "f1", "val/f1", "a.b", "größe", "x' OR 1=1 --"])
TEXTS = st.sampled_from(
    [
        *("", "a", "A", "b", "ab", "ä", "%", "_", "10", "9", "'; DROP TABLE versions; --", "𝄞", "\uffff"),
        *("y" * 127, "y" * 128, "y" * 129, "y" * 128 + "z", "y" * 300),
    ]
)
FILLED = TEXTS.filter(bool)
NAMES = st.sampled_from(["a", "b", "B", "a-b"])
FINITE = st.sampled_from([-1e300, -1.5, -0.0, 0.0, 0.1, 0.5, 0.9, 1.0, 2.0, 10.0, 1.7976931348623157e308])
NUMBERS = FINITE | st.sampled_from([math.inf, -math.inf])
VALUES = NUMBERS | st.just(math.nan)
HOURS = st.integers(0, 4)
WHOLE = st.integers(0, 4) | st.just(2**62)
CONTENTS = st.sampled_from(["1", "2", "3"])

datasets = st.builds(
    Dataset,
    NAMES,
    st.sampled_from(["", "1", "2"]),
    CONTENTS.map(lambda content: MadeUp(content=content).digest) | st.just(""),
)
versions = st.builds(
    MadeUp,
    model=NAMES.filter(lambda name: name != "B"),
    content=CONTENTS,
    state=st.sampled_from([VersionState.READY, *VersionState]),
    description=TEXTS,
    author=NAMES,
    created=HOURS,
    updated=HOURS,
    size_bytes=WHOLE,
    tags=st.dictionaries(KEYS, TEXTS, max_size=3),
    params=st.dictionaries(KEYS, TEXTS | FINITE, max_size=3),
    metrics=st.lists(st.tuples(KEYS, VALUES), max_size=6),
    at_birth=st.integers(0, 6),
    datasets=st.lists(datasets, max_size=3),
    parents=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(ParentRelation)), max_size=2),
    code=st.none() | st.builds(Code, TEXTS, st.sampled_from(["", "c1", "c2"])),
    run=st.none() | st.builds(Run, FILLED.map(lambda text: text[:250])),
    aliases=st.lists(NAMES, max_size=2, unique=True),
    stages=st.lists(st.sampled_from(["staging", "production"]), max_size=2, unique=True),
)
catalogs = st.lists(versions, max_size=8)
models = st.builds(
    MadeUpModel,
    name=st.sampled_from(["a", "B", "b", "a-b", "a.b", "ab", "10", "9"]),
    state=st.sampled_from([ModelState.ACTIVE, *ModelState]),
    description=TEXTS,
    creator=NAMES,
    created=HOURS,
    updated=HOURS,
    tags=st.dictionaries(KEYS, TEXTS, max_size=3),
    versions=st.integers(0, 3),
    stages=st.lists(st.sampled_from(["staging", "production"]), max_size=2, unique=True),
)
model_catalogs = st.lists(models, max_size=7, unique_by=lambda model: model.name.lower())

_ORDERED = [Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST]
_EQUAL = [Operator.EQUAL, Operator.UNEQUAL]


@st.composite
def fields(draw: st.DrawFn, known: Mapping[str, FieldSpec]) -> Field:
    """One of the fields there are."""
    keyed = [name for name, spec in known.items() if spec.keyed]
    name = draw(st.sampled_from([*known, *keyed, *keyed]))
    aspect = draw(st.sampled_from(Aspect)) if name == "metrics" else Aspect.LATEST
    return Field(name, draw(KEYS) if known[name].keyed else "", aspect)


@st.composite
def conditions(draw: st.DrawFn, known: Mapping[str, FieldSpec]) -> Condition:
    """A condition that its field allows."""
    field = draw(fields(known))
    spec = known[field.name]
    value: Value = None
    operators = [*_EQUAL, *_ORDERED, Operator.PRESENT]
    match spec.kind:
        case Kind.TEXT:
            value = draw(_texts(field))
            operators.append(Operator.CONTAINS)
        case Kind.TEXT_OR_NUMBER:
            value = draw(TEXTS | FINITE)
            if isinstance(value, str):
                operators.append(Operator.CONTAINS)
        case Kind.WHOLE:
            value = draw(WHOLE)
        case Kind.NUMBER:
            value = draw(NUMBERS)
        case Kind.TIME:
            value = at(draw(HOURS))
        case Kind.WORD:
            value = draw(st.sampled_from(spec.words))
            operators = [*_EQUAL, Operator.PRESENT]
        case Kind.VERSION:
            value = ModelName(PROJECT, draw(st.sampled_from(["a", "b"]))).version(draw(st.integers(1, 3)))
            operators = [*_EQUAL, Operator.PRESENT]
    operator = draw(st.sampled_from(operators))
    return Condition(field, operator, None if operator is Operator.PRESENT else value)


def _texts(field: Field) -> st.SearchStrategy[str]:
    if field.name in ("digest", "dataset.digest"):
        return CONTENTS.map(lambda content: MadeUp(content=content).digest) | st.just("sha256:")
    if field.name == "stage":
        return st.sampled_from(["staging", "production", "prod"])
    if field.name == "code.commit":
        return st.sampled_from(["c1", "c2", "c", ""])
    if field.name in ("model", "name", "author", "creator", "alias", "dataset.name"):
        return NAMES
    if field.name == "dataset.version":
        return st.sampled_from(["1", "2", ""])
    return TEXTS


def expressions_of(known: Mapping[str, FieldSpec]) -> st.SearchStrategy[Expression]:
    """Conditions and what is made of them."""
    return st.recursive(
        conditions(known),
        lambda inner: (
            st.builds(Not, inner)
            | st.lists(inner, min_size=2, max_size=3).map(lambda parts: AllOf(tuple(parts)))
            | st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        ),
        max_leaves=6,
    )


def orders_of(known: Mapping[str, FieldSpec]) -> st.SearchStrategy[tuple[OrderKey, ...]]:
    """Up to three different fields, up or down."""
    keys = st.lists(st.builds(OrderKey, fields(known), st.booleans()), max_size=3)
    return keys.map(
        lambda keys: tuple(
            key for at, key in enumerate(keys) if key.field not in {k.field for k in keys[:at]}
        )
    )


def queries_of(known: Mapping[str, FieldSpec]) -> st.SearchStrategy[Query]:
    """Questions, of which one in four has no condition."""
    asked = expressions_of(known)
    return st.builds(
        Query, st.just(AllOf(())) | asked | asked | asked, orders_of(known), deleted=st.booleans()
    )


expressions = expressions_of(VERSION_FIELDS)
orders = orders_of(VERSION_FIELDS)
queries = queries_of(VERSION_FIELDS)
model_queries = queries_of(MODEL_FIELDS)
