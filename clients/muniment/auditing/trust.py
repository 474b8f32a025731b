"""Which keys are believed: one that was given, the one seen before, or, the first time, the one that is told.

A key that is believed hands over to the next by a statement it signed; nothing else makes another key believed.
A lost key signs nothing any more: who believed it must be told, by somebody they believe, what took its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike, fsdecode
from pathlib import Path

from muniment.errors import CannotRead, InvalidArgument, LedgerUnproven
from muniment.ledger import InvalidEvidence
from muniment.ledger.fold import Fold
from muniment.ledger.keys import InvalidKey, PublicKey
from muniment.ledger.rotation import verify_rotation


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as somebody tells of it.

    Attributes:
        revision: entry that made it known.
        statement: by which the key before named it; empty for the first, and for one that replaced a lost key.
    """

    key: PublicKey
    revision: int
    statement: bytes

    def replaces(self, before: KnownKey) -> str:
        """That it took the place of a lost key, as a sentence."""
        return (
            f"entry {self.revision} says that key {before.key.text} was lost, and {self.key.text} took its place: "
            "nothing that is signed says so"
        )


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that are believed.

    Attributes:
        keys: from the one that was believed first to the newest it handed over to.
        reason: why, as a sentence.
        breaks: where keys were replaced that were lost, each as a sentence.
        ends: the one of these at which the keys that are believed end; empty: they reach to the newest.
    """

    keys: tuple[PublicKey, ...]
    reason: str
    breaks: tuple[str, ...] = ()
    ends: str = ""


def read_key(given: str | PathLike[str]) -> PublicKey:
    """A key that was given as text, or in a file that holds it.

    Raises:
        CannotRead: if it is no key, and there is no such file.
        InvalidArgument: if the file holds something else, or neither text nor a path was given.
    """
    try:
        given = fsdecode(given)
    except TypeError:
        raise InvalidArgument(f"key is {given!r:.50}, while a key or the file of one is needed") from None
    try:
        return PublicKey.parse(given)
    except InvalidKey:
        pass
    try:
        lines = [line.strip() for line in Path(given).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        raise CannotRead(
            f"{given} is no key <name>+<hash>+<base64>, and no file that can be read: {cause}"
        ) from None
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) != 1:
        raise InvalidArgument(f"{given} holds {len(keys)} keys, while one is needed: the one you trust")
    try:
        return PublicKey.parse(keys[0])
    except InvalidKey as error:
        raise InvalidArgument(f"{given}: {error}") from None


def handed_over(start: PublicKey, told: Sequence[KnownKey]) -> tuple[tuple[PublicKey, ...], str]:
    """A key and those that follow it by statements that hold; and where they end because one of them was lost.

    Raises:
        InvalidEvidence: if a statement does not hold.
    """
    keys = [start]
    places = [index for index, known in enumerate(told) if known.key == start]
    for before, known in pairwise(told[places[0] :] if places else ()):
        if not known.statement:
            return tuple(keys), known.replaces(before)
        verify_rotation(known.statement, keys[-1], revision=known.revision)
        keys.append(known.key)
    return tuple(keys), ""


def keys_told_by(fold: Fold) -> list[KnownKey]:
    """The keys that entries tell of; that one follows from the other was verified when they were folded."""
    return [
        KnownKey(PublicKey.parse(state.key), revision, state.statement.encode())
        for revision, state in sorted(fold.log_keys.items())
    ]


def breaks_in(told: Sequence[KnownKey]) -> tuple[str, ...]:
    """Where a key was replaced that was lost, each as a sentence."""
    return tuple(known.replaces(before) for before, known in pairwise(told) if not known.statement)


def unproven(what: str, error: InvalidEvidence, ends: str) -> LedgerUnproven:
    """That something proves nothing, and what can be done where the keys that are believed end."""
    advice = f". {ends}. If its operator tells you that key, give it with --key" if ends else ""
    return LedgerUnproven(f"{what} proves nothing: {error}{advice}")


def trust_in(told: Sequence[KnownKey], *, given: PublicKey | None, seen: PublicKey | None) -> Trust:
    """The keys to believe of those a registry tells of.

    Args:
        told: oldest first.
        given: the key the caller trusts.
        seen: the key that was believed before.

    Raises:
        InvalidEvidence: if a key does not follow from the one before it.
    """
    breaks = breaks_in(told)
    if given is not None:
        keys, ends = handed_over(given, told)
        return Trust(keys, "it is the key you gave, or follows from it", breaks, ends)
    if seen is not None:
        keys, ends = handed_over(seen, told)
        return Trust(keys, "it is the key this user saw before, or follows from it", breaks, ends)
    if not told:
        return Trust((), "the registry tells of no key")
    # Nothing is known better: each key that nothing hands over to is believed as the first one is.
    starts = [told[0], *(known for known in told[1:] if not known.statement)]
    return Trust(
        tuple(key for start in starts for key in handed_over(start.key, told)[0]),
        "nothing but that the registry says so, for it is seen for the first time: compare the key with the one "
        "its operator tells, or give that with --key",
        breaks,
    )
