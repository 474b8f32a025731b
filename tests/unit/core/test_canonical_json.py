"""Canonical JSON is that of RFC 8785, byte for byte, however it is written."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from muniment_core.domain.canonical import canonical_json


class Word(StrEnum):
    A = "a"


NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [0.0, -0.0, 1.0, 1e-4, 9.99e-5, 1e-6, 1e-7, 1e15, 1e16, 1e21, 1e22, 0.1, 123.456, 5e-324]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), st.text(st.characters(max_codepoint=127))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(max_size=3), inner)),
    max_leaves=20,
)


@given(VALUES)
def test_every_value_is_written_as_rfc_8785_says(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [Word.A, {"k": Word.A}, (1, 2), {"\U0001f600": 1, "\ufb33": 2}, "\x7f\x00"])
def test_what_is_not_plain_json_is_written_alike_too(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, -(2**53), {1: 2}, object(), b"bytes"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    for refused in (value, [value], {"k": value}):
        with pytest.raises(rfc8785.CanonicalizationError):
            canonical_json(refused)
