"""Canonical JSON: the same bytes as the reference implementation, or a refusal."""

from __future__ import annotations

import math
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from muniment.canonical import NotCanonical, canonical_json, parse_canonical

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda children: st.lists(children) | st.dictionaries(TEXT, children),
    max_leaves=20,
)


@given(VALUES)
def test_every_value_has_the_bytes_of_the_reference_and_is_read_back(value: object) -> None:
    data = canonical_json(value)
    assert data == rfc8785.dumps(value)
    assert canonical_json(parse_canonical(data)) == data


@given(st.binary(min_size=8, max_size=8))
def test_any_bit_pattern_that_is_a_number_is_written_as_the_reference_writes_it(bits: bytes) -> None:
    (number,) = struct.unpack("<d", bits)
    if math.isfinite(number):
        assert canonical_json(number) == rfc8785.dumps(number)


@pytest.mark.parametrize(
    ("value", "written"),
    # From appendix B of the RFC, and around the places where Python and ECMAScript part.
    [
        (1e21, b"1e+21"),
        (123456789012345680000.0, b"123456789012345680000"),
        (1e-6, b"0.000001"),
        (1.5e-5, b"0.000015"),
        (9.5e-7, b"9.5e-7"),
        (5e-324, b"5e-324"),
        (-0.0, b"0"),
        (333333333.33333329, b"333333333.3333333"),
        (4.5, b"4.5"),
        (1.0, b"1"),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"😀":1,"\ufb33":2}'.encode()),
    ],
)
def test_numbers_and_names_follow_the_standard(value: object, written: bytes) -> None:
    assert canonical_json(value) == written


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**53, b"x", {1: 2}, {"a": {2}}, "\ud800", object()], ids=repr
)
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b" {}",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b'"\\u0041"',
        b"NaN",
        b"\xff",
        b"[1,]",
    ],
    ids=repr,
)
def test_another_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)
