"""Reports are told in order, in the background, and newest-wins while the registry is away."""

from __future__ import annotations

import threading

import pytest
from muniment import errors
from muniment_deployer.reports import Report, Reporter

DEADLINE = 30.0


def report(number: int, state: str = "RUNNING") -> Report:
    return Report(number, "sha256:" + "a" * 64, state, number)


@pytest.fixture
def make():
    made = []

    def make(send):
        made.append(Reporter(send))
        return made[-1]

    yield make
    for reporter in made:
        reporter.close(DEADLINE)


def test_reports_are_sent_in_order(make):
    sent = []
    reporter = make(sent.append)
    for number in range(20):
        reporter.tell(report(number))
    assert reporter.flush(DEADLINE)
    assert [item.number for item in sent] == list(range(20))


def test_while_the_registry_is_away_only_the_newest_waits(make):
    back, tried, sent = threading.Event(), threading.Event(), []

    def send(item):
        tried.set()
        if not back.is_set():
            raise errors.Unavailable("away", "SHUTTING_DOWN", {})
        sent.append(item)

    reporter = make(send)
    reporter.tell(report(1))
    assert tried.wait(DEADLINE)
    reporter.tell(report(2))
    reporter.tell(report(3))
    back.set()
    assert reporter.flush(DEADLINE)
    assert sent[-1] == report(3)


def test_a_refused_report_is_not_sent_again(make):
    calls = []

    def send(item):
        calls.append(item)
        raise errors.PermissionDenied("no", "PERMISSION_DENIED", {})

    reporter = make(send)
    reporter.tell(report(1))
    assert reporter.flush(DEADLINE)
    assert calls == [report(1)]


def test_closing_does_not_wait_for_ever(make):
    def send(item):
        raise errors.Unavailable("away", "SHUTTING_DOWN", {})

    reporter = make(send)
    reporter.tell(report(1))
    reporter.close(0.2)
    reporter._thread.join(DEADLINE)
    assert not reporter._thread.is_alive()
