"""Which keys are believed: what a key said itself, and where its word ends."""

from __future__ import annotations

import pytest
from muniment.auditing.trust import KnownKey, trust_in
from muniment.ledger import InvalidEvidence
from muniment.ledger.keys import SigningKey
from muniment.ledger.rotation import sign_rotation

FIRST, SECOND, THIRD, FOURTH = (SigningKey.from_seed("log", bytes([seed] * 32)) for seed in range(1, 5))
TOLD = [
    KnownKey(FIRST.public, 1, b""),
    KnownKey(SECOND.public, 5, sign_rotation(FIRST, SECOND.public, revision=5)),
    KnownKey(THIRD.public, 9, b""),
    KnownKey(FOURTH.public, 12, sign_rotation(THIRD, FOURTH.public, revision=12)),
]
"""The first key named the second, which was lost; the third took its place and named the fourth."""


@pytest.mark.parametrize("how", ["given", "seen"])
def test_a_key_that_is_believed_makes_those_believed_that_it_names_and_no_other(how: str) -> None:
    def believed(key: SigningKey) -> tuple[list[object], bool]:
        trust = trust_in(TOLD, **{"given": None, "seen": None, how: key.public})
        return list(trust.keys), bool(trust.ends)

    assert believed(FIRST) == ([FIRST.public, SECOND.public], True)
    assert believed(SECOND) == ([SECOND.public], True)
    assert believed(THIRD) == ([THIRD.public, FOURTH.public], False)
    assert believed(FOURTH) == ([FOURTH.public], False)


def test_the_break_is_named_whatever_is_believed() -> None:
    for given in (None, FIRST.public, FOURTH.public):
        (told,) = trust_in(TOLD, given=given, seen=None).breaks
        assert told.startswith(
            f"entry 9 says that key {SECOND.public.text} was lost, and {THIRD.public.text}"
        )
    assert trust_in(TOLD[:2], given=None, seen=None).breaks == ()


def test_the_key_given_counts_and_not_the_one_seen() -> None:
    assert trust_in(TOLD, given=THIRD.public, seen=FIRST.public).ends == ""


def test_the_first_time_all_that_the_registry_tells_is_believed() -> None:
    trust = trust_in(TOLD, given=None, seen=None)
    assert list(trust.keys) == [known.key for known in TOLD]
    assert "for the first time" in trust.reason
    assert trust_in([], given=None, seen=None).keys == ()


def test_a_statement_that_does_not_hold_is_refused_wherever_one_begins() -> None:
    false = KnownKey(FOURTH.public, 12, sign_rotation(FIRST, FOURTH.public, revision=12))
    for given in (None, THIRD.public):
        with pytest.raises(InvalidEvidence):
            trust_in([*TOLD[:3], false], given=given, seen=None)
