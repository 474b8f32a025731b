"""How long bytes may take."""

from __future__ import annotations

import pytest
from muniment.errors import DeadlineExceeded
from muniment.transfer.pace import GRACE_SECONDS, LEAST_BYTES_PER_SECOND, Pace


def test_bytes_may_take_a_while_and_then_as_long_as_there_are_many() -> None:
    now = 1_000.0
    pace = Pace(clock=lambda: now)
    pace.expect(10 * LEAST_BYTES_PER_SECOND)
    now += GRACE_SECONDS + 10
    pace.check("weights.bin")
    now += 0.1
    assert pace.is_late
    with pytest.raises(DeadlineExceeded, match=r"655360 bytes of weights\.bin took longer than 70 s"):
        pace.check("weights.bin")
    pace.expect(1)
    pace.check("weights.bin")
