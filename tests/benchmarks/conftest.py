"""What benchmarks share: the table of all rows, printed when the run is over.

A benchmark takes `table` and says `table.add("row", database, ours=[…], unit="ms", against={"bare": […]},
at_most={"bare": 1.5})`; `harness.bars.interleaved` makes the lists. Benchmarks never assert on time.
"""

from __future__ import annotations

import pytest
from harness.bars import BarTable

TABLE = pytest.StashKey[BarTable]()


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> BarTable:
    """The rows of this run."""
    return pytestconfig.stash.setdefault(TABLE, BarTable())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rows := config.stash.get(TABLE, None):
        terminalreporter.section("bars: medians of interleaved rounds, ratios round by round")
        terminalreporter.write_line(rows.text())
