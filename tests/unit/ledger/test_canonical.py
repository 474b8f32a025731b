"""Canonical JSON: what the official package writes is read and written alike, anything else is refused."""

from __future__ import annotations

import math
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from muniment.ledger.canonical import MAX_INTEGER, NotCanonical, read, write

NUMBERS = st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_any_value_is_written_as_the_official_package_writes_it_and_read_back(value: object) -> None:
    data = rfc8785.dumps(value)
    assert write(value) == data
    assert read(data) == value


@given(
    st.lists(
        st.sampled_from(["1.0", "2.0,", "-0.0", "\\", '"', 1.0, -0.0, 1e16, 1e-7, 2.5, 9007199254740993.0, 7])
    )
)
def test_what_looks_like_a_number_in_text_stays_as_it_is(values: list[object]) -> None:
    value = {"values": values, **{str(one): one for one in values}}
    assert write(value) == rfc8785.dumps(value)


@given(st.binary(min_size=8, max_size=8))
def test_any_double_is_written_as_the_official_package_writes_it(bits: bytes) -> None:
    (number,) = struct.unpack("<d", bits)
    if math.isfinite(number):
        assert write(number) == rfc8785.dumps(number)


def test_names_are_ordered_by_utf_16_code_units() -> None:
    # U+FFFF is the larger code point's neighbour below, but its one unit is larger than a surrogate.
    assert write({"\uffff": 1, "\U00010000": 2}) == '{"\U00010000":2,"\uffff":1}'.encode()
    assert read('{"\U00010000":2,"\uffff":1}'.encode()) == {"\uffff": 1, "\U00010000": 2}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1} ',
        b' {"a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":1e16}',
        b'{"a":10000000000000000.5}',
        b'{"a":1e400}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
    ],
)
def test_what_another_writer_would_have_put_differently_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        read(data)


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, MAX_INTEGER + 1, "\ud800", {1, 2}, b"", {"a": object()}, {1: 2}, CIRCLE]
)
def test_what_has_no_canonical_form_is_not_written(value: object) -> None:
    with pytest.raises(NotCanonical):
        write(value)
