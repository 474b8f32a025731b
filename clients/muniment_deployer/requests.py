"""From the body of a request to rows, or to a sentence that says what is wrong with it."""

from __future__ import annotations

import json
import math
from typing import Any

from muniment_deployer.errors import BadRows

MAX_BODY_BYTES = 1024 * 1024
MAX_ROWS = 1_000


def parse_rows(body: bytes) -> list[list[float]]:
    """The rows of a prediction request: at least one, equally long, of finite numbers.

    Raises:
        BadRows: naming what is wrong and where.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRows('the body is not JSON: send {"rows": [[1.5, 2, …], …]}') from None
    if not isinstance(request, dict) or not isinstance(request.get("rows"), list):
        raise BadRows('the body has no list "rows": send {"rows": [[1.5, 2, …], …]}')
    rows: list[Any] = request["rows"]
    if not rows:
        raise BadRows('"rows" is empty: send at least one row')
    if len(rows) > MAX_ROWS:
        raise BadRows(f"{len(rows)} rows are too many: send at most {MAX_ROWS} in one request")
    for index, row in enumerate(rows):
        _check_row(row, index)
        if len(row) != len(rows[0]):
            raise BadRows(f"row {index} has {len(row)} values, while row 0 has {len(rows[0])}")
    return rows


def _check_row(row: Any, index: int) -> None:
    if not isinstance(row, list) or not row:
        raise BadRows(f"row {index} is not a list of numbers")
    for column, value in enumerate(row):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRows(f"row {index}, column {column} is not a number")
        try:
            finite = math.isfinite(value)
        except OverflowError:
            finite = False
        if not finite:
            raise BadRows(f"row {index}, column {column} is not a finite number")
