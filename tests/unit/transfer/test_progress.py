"""Who is told of a transfer: a function, a terminal, or nobody."""

from __future__ import annotations

import io
import sys

import pytest
from muniment.transfer.progress import ProgressOption, phase

MIB = 1024 * 1024


class Terminal(io.StringIO):
    """Standard error of whoever looks on."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar is shown from the beginning, however short the transfer."""
    monkeypatch.setattr("muniment.transfer.progress.SHORT_SECONDS", 0)


def transfer(option: ProgressOption) -> None:
    """Half of what was said, and as much again that nobody expected."""
    with phase(option, "push", 2 * MIB) as progress:
        progress(MIB)
        progress.expect(2 * MIB)
        progress(3 * MIB)


@pytest.mark.parametrize("option", [None, True])
def test_a_terminal_is_shown_a_bar_that_is_gone_in_the_end(
    at_once: None, monkeypatch: pytest.MonkeyPatch, option: ProgressOption
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    transfer(option)
    shown = terminal.getvalue()
    assert "push:" in shown
    assert "2.00M" in shown
    assert shown.endswith("\r")
    assert shown.split("\r")[-2].strip() == ""


def test_a_transfer_that_is_over_at_once_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("muniment.transfer.progress.SHORT_SECONDS", 3600)
    monkeypatch.setattr(sys, "stderr", terminal)
    transfer(None)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("option", [None, True, False])
def test_a_pipe_is_shown_nothing(
    at_once: None, monkeypatch: pytest.MonkeyPatch, option: ProgressOption
) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    transfer(option)
    assert pipe.getvalue() == ""


def test_a_terminal_is_shown_nothing_where_nothing_or_a_function_was_asked_for(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    transfer(False)
    told: list[tuple[str, int, int]] = []
    transfer(lambda *what: told.append(what))
    assert told == [("push", MIB, 2 * MIB), ("push", 4 * MIB, 4 * MIB)]
    assert terminal.getvalue() == ""


def test_a_program_without_standard_error_transfers_as_well(
    at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    transfer(None)
