"""Registries that send so slowly that they might as well send nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from muniment import errors

PAUSE_SECONDS = 0.05
DATA = os.urandom(40)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is sent has as much time as some bytes take here."""
    monkeypatch.setattr("muniment.transfer.pace.GRACE_SECONDS", 5 * PAUSE_SECONDS)
    monkeypatch.setattr("muniment.transfer.patience.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("muniment.transfer.pace.LEAST_BYTES_PER_SECOND", 2**40)


@pytest.fixture(autouse=True)
def trickling(liar) -> None:
    """The registry sends single bytes."""
    liar.add("f", DATA)
    liar.frame_bytes, liar.pause_seconds = 1, PAUSE_SECONDS


def test_a_byte_now_and_then_does_not_keep_a_pull_alive(liar, lied_to, tmp_path: Path) -> None:
    with pytest.raises(errors.DeadlineExceeded, match=r"bytes of f took longer than"):
        lied_to.pull(liar.version, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert liar.asked_for_ranges == 3


def test_a_byte_now_and_then_does_not_keep_a_lazy_read_alive(liar, lied_to) -> None:
    with pytest.raises(errors.DeadlineExceeded, match=r"bytes of f took longer than"):
        lied_to.open(liar.version).read("f")
    assert liar.asked_for_ranges == 3


def test_what_came_too_slowly_is_kept_and_the_rest_asked_for(
    liar, lied_to, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muniment.transfer.pace.ATTEMPTS", len(DATA) + 1)
    lied_to.pull(liar.version, tmp_path / "out")
    assert (tmp_path / "out" / "f").read_bytes() == DATA
    assert liar.asked_for_ranges > 1
