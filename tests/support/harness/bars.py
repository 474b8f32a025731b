"""The table of a benchmark run: what was measured, beside what it is held against, and whether the goal is met.

A figure is the list of what each round gave; rounds are interleaved, so the ratio of two figures is the median
of the ratios round by round, which a busy machine disturbs least. Nothing here ever fails a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

ROUNDS = 3
_HEADINGS = ("row", "database", "ours", "bare", "peer", "ratio", "goal", "met")


def interleaved(
    measures: Mapping[str, Callable[[], float]], *, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """What each of the measures gives, round by round: the first of all, then the second of all, and so on."""
    figures: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            figures[name].append(measure())
    return figures


@dataclass(slots=True)
class BarTable:
    """Collects rows as benchmarks come by them; each is printed at once, and all together in the end."""

    say: Callable[[str], None] = print
    _lines: list[tuple[str, ...]] = field(default_factory=list)

    def add(
        self,
        row: str,
        database: str,
        *,
        ours: Sequence[float],
        unit: str,
        against: Mapping[str, Sequence[float]] | None = None,
        at_least: Mapping[str, float] | None = None,
        at_most: Mapping[str, float] | None = None,
    ) -> None:
        """Add a row.

        Args:
            row: what was measured.
            database: ``sqlite``, ``postgresql``, or empty.
            ours: our figure in each round.
            unit: of all figures, such as ``/s`` or ``ms``.
            against: other figures by name; ``bare`` and ``peer`` have columns, others stand with their goal. The
                ratio to each is printed, whether there is a goal for it or not.
            at_least: smallest ratio of ours to a figure, by its name; the name ``""`` for ours itself.
            at_most: the largest, likewise.
        """
        references = against or {}
        goals = [(">=", name, limit) for name, limit in (at_least or {}).items()]
        goals += [("<=", name, limit) for name, limit in (at_most or {}).items()]
        held = {name for _sign, name, _limit in goals}
        goals += [("", name, math.nan) for name in references if name not in held]
        shown = (
            row,
            database,
            _figure(ours, unit),
            *(_figure(references[name], unit) if name in references else "" for name in ("bare", "peer")),
        )
        added = [
            (*(shown if not index else ("",) * len(shown)), *_judged(ours, unit, references, goal))
            for index, goal in enumerate(goals)
        ] or [(*shown, "", "", "")]
        self._lines += added
        for line in added:
            self.say("   ".join(part for part in line if part))

    def text(self) -> str:
        """The whole table, in columns."""
        lines = [_HEADINGS, *self._lines]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def __bool__(self) -> bool:
        return bool(self._lines)


def _judged(
    ours: Sequence[float],
    unit: str,
    references: Mapping[str, Sequence[float]],
    goal: tuple[str, str, float],
) -> tuple[str, str, str]:
    """Ratio, goal and verdict as text; without a sign there is no goal."""
    sign, name, limit = goal
    if not name:
        value, ratio, wanted = median(ours), "", f"{sign} {limit:g} {unit}"
    elif name not in references:
        return "", f"{sign} {limit:.3g} x {name}", "not measured"
    else:
        value = median(mine / other for mine, other in zip(ours, references[name], strict=True))
        ratio = f"{value:.3g}"
        wanted = f"{sign} {limit:.3g} x {name}" if sign else f"x {name}, no goal"
        if name not in ("bare", "peer"):
            wanted += f" ({_figure(references[name], unit)})"
        if not sign:
            return ratio, wanted, ""
    met = value >= limit if sign == ">=" else value <= limit
    return ratio, wanted, "met" if met else "NOT MET"


def _figure(rounds: Sequence[float], unit: str) -> str:
    value = median(rounds)
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
