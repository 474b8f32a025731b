"""What a filter says before anyone knows what its fields are; every node knows where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written; ``position`` counts characters from 1."""

    text: str
    quoted: bool
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator value``; the parts of the path are told apart by dots outside of quotes."""

    path: tuple[Literal, ...]
    operator: str
    value: Literal

    @property
    def position(self) -> int:
        """Where the path begins."""
        return self.path[0].position


@dataclass(frozen=True, slots=True)
class Junction:
    """Parts joined by AND, or by OR."""

    parts: tuple[Syntax, ...]
    is_and: bool


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT, or a minus."""

    part: Syntax


Syntax: TypeAlias = Literal | Comparison | Junction | Negation
