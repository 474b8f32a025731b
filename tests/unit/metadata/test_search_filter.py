"""The filter language: whatever is written is read as what it means, or refused with a position."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from catalogs.rendering import filter_text, order_text, quoted
from catalogs.strategies import expressions, orders
from hypothesis import given
from hypothesis import strategies as st
from muniment_core.domain.errors import DomainError, InvalidFilter
from muniment_core.domain.search import (
    AllOf,
    AnyOf,
    Aspect,
    Condition,
    Expression,
    Field,
    Not,
    Operator,
    OrderKey,
)
from muniment_metadata.search.check import model_filter, version_filter
from muniment_metadata.search.order import version_order


def flat(expression: Expression) -> Expression:
    """Without junctions of one part."""
    match expression:
        case AllOf(parts) | AnyOf(parts):
            return type(expression)(tuple(map(flat, parts)))
        case Not(part):
            return Not(flat(part))
    return expression


@given(expressions)
def test_what_is_written_is_read_as_what_it_means(expression: Expression) -> None:
    assert version_filter(filter_text(expression), "default") == flat(expression)


@given(orders)
def test_an_order_is_read_as_what_it_means(order: tuple[OrderKey, ...]) -> None:
    assert version_order(order_text(order)) == order


def refusal(read: Callable[[str], object], text: str) -> InvalidFilter | None:
    """Why a text is refused, or None."""
    try:
        read(text)
    except InvalidFilter as error:
        return error
    return None


@given(st.text(alphabet="ab.:=<>!()\"'\\-* ,\nANDORT019", max_size=40) | st.text(max_size=40))
def test_any_text_is_read_or_refused_within_itself(text: str) -> None:
    for read in (partial(version_filter, project="default"), model_filter, version_order):
        error = refusal(read, text)
        assert error is None or 1 <= int(error.facts["position"]) <= len(text) + 1


@given(st.text(max_size=60).filter(lambda text: "\0" not in text))
def test_any_text_can_be_a_value_or_a_key(text: str) -> None:
    expected = Condition(Field("params", "k"), Operator.EQUAL, text)
    assert version_filter(f"params.k = {quoted(text)}", "default") == expected
    if text:
        field = Field("metrics", text, Aspect.HIGHEST)
        assert version_filter(f"metrics.{quoted(text)}.best > 1", "default") == Condition(
            field, Operator.GREATER, 1.0
        )
        assert version_order(f"metrics.{quoted(text)}.best desc") == (OrderKey(field, descending=True),)


A, B, C = (Condition(Field("tags", key), Operator.EQUAL, "1") for key in "abc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tags.a=1 AND tags.b=1 OR tags.c=1", AllOf((A, AnyOf((B, C))))),
        ("tags.a=1 OR tags.b=1 AND tags.c=1", AllOf((AnyOf((A, B)), C))),
        ("tags.a=1 tags.b=1", AllOf((A, B))),
        ("NOT tags.a=1 tags.b=1", AllOf((Not(A), B))),
        ("-tags.a=1", Not(A)),
        ("-(tags.a=1 OR tags.b=1)", Not(AnyOf((A, B)))),
        ("( tags.a = '1' )", A),
        ("tags.a\n=\t1", A),
    ],
)
def test_or_binds_closer_than_and(text: str, expected: Expression) -> None:
    assert version_filter(text, "default") == expected


def test_thirty_two_parentheses_are_allowed_and_a_thousand_do_not_overflow() -> None:
    assert version_filter("(" * 32 + "tags.a = 1" + ")" * 32, "default") == A
    for depth in (33, 1000, 2000):
        with pytest.raises(InvalidFilter, match="nested deeper than 32"):
            version_filter("(" * depth + "a = 1" + ")" * depth, "default")
    with pytest.raises(InvalidFilter):
        version_filter("(" * 4000, "default")
    with pytest.raises(InvalidFilter):
        version_filter("NOT " * 1000, "default")
    with pytest.raises(DomainError, match="4096"):
        version_filter("(" * 10_000, "default")


def test_the_same_filter_means_another_parent_in_another_project() -> None:
    first, second = (version_filter("parent = base@1", project) for project in ("p", "q"))
    assert first != second
