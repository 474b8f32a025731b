"""What a verdict is bound to beside the bytes: our own rules and the scanners' versions."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

RULES = 1
"""To be raised with any change of this package that may give another report for the same bytes."""


@cache
def ruleset() -> str:
    """The rules in force, such as ``muniment-1 picklescan-1.0.5 fickling-0.1.12``."""
    scanners = (f"{name}-{version(name)}" for name in ("picklescan", "fickling"))
    return " ".join((f"muniment-{RULES}", *scanners))
