"""Lengths of time as people write them: ``90s``, ``30m``, ``12h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click

GRACE = timedelta(days=1)
"""How long bytes are kept that nothing needs: longer than a push may take, and for second thoughts."""

_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])")
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


class Span(click.ParamType[timedelta]):
    """A length of time: a number and its unit."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A text such as ``90m``, or what is one already."""
        if isinstance(value, timedelta):
            return value
        found = _SPAN.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no length of time: write for example 90s, 30m, 12h or 7d", param, ctx)
        return float(found[1]) * _UNITS[found[2]]
