"""Bad requests get a sentence that names what is wrong and where."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment_deployer.errors import BadRows
from muniment_deployer.requests import MAX_ROWS, parse_rows


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not JSON"),
        (b"rows=1", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[[1]]", 'no list "rows"'),
        (b'{"row": [[1]]}', 'no list "rows"'),
        (b'{"rows": {"a": 1}}', 'no list "rows"'),
        (b'{"rows": []}', '"rows" is empty'),
        (b'{"rows": [1, 2]}', "row 0 is not a list"),
        (b'{"rows": [[]]}', "row 0 is not a list"),
        (b'{"rows": [[1, 2], [3]]}', "row 1 has 1 values, while row 0 has 2"),
        (b'{"rows": [[1, "2"]]}', "row 0, column 1 is not a number"),
        (b'{"rows": [[1], [null]]}', "row 1, column 0 is not a number"),
        (b'{"rows": [[true]]}', "row 0, column 0 is not a number"),
        (b'{"rows": [[[1]]]}', "row 0, column 0 is not a number"),
        (b'{"rows": [[NaN]]}', "row 0, column 0 is not a finite number"),
        (b'{"rows": [[1e999]]}', "row 0, column 0 is not a finite number"),
        (b'{"rows": [[1' + b"0" * 400 + b"]]}", "row 0, column 0 is not a finite number"),
        (b'{"rows": [[1' + b"0" * 5000 + b"]]}", "not JSON"),
        (b'{"rows": [' + b"[1]," * MAX_ROWS + b"[1]]}", f"{MAX_ROWS + 1} rows are too many"),
    ],
)
def test_a_bad_body_is_refused_with_a_sentence(body, sentence):
    with pytest.raises(BadRows) as refused:
        parse_rows(body)
    assert sentence in str(refused.value)


def test_a_good_body_is_its_rows():
    assert parse_rows(b'{"rows": [[1, 2.5], [-3e2, 0]], "more": 1}') == [[1, 2.5], [-300.0, 0]]


@given(st.binary(max_size=200))
def test_no_body_makes_it_raise_anything_else(body):
    with contextlib.suppress(BadRows):
        parse_rows(body)
