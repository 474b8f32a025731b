"""Closing a connection ends, whatever state a signal left its channel in."""

from __future__ import annotations

import threading

import pytest
from muniment.transport import channel as channel_module
from muniment.transport.channel import close_channel


class StuckChannel:
    """As gRPC's is after an exception in the moment a call began: closing it never ends."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked = threading.Event()

    def close(self) -> None:
        self.asked.set()
        self.let_go.wait()


def test_a_channel_that_never_closes_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "CLOSING_SECONDS", 0.01)
    stuck = StuckChannel()
    close_channel(stuck)
    assert stuck.asked.wait(10)
    stuck.let_go.set()


def test_a_channel_is_closed_also_when_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    closed = StuckChannel()
    closed.let_go.set()
    close_channel(closed)
    assert closed.asked.is_set()
