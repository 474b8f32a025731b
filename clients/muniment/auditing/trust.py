"""Which keys are believed: one that was given, the one seen before, or, the first time, the one that is told.

A key that is believed hands over to the next by a statement it signed; nothing else makes another key believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from muniment.errors import CannotRead, InvalidArgument
from muniment.ledger.keys import InvalidKey, PublicKey
from muniment.ledger.rotation import verify_rotation


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as somebody tells of it.

    Attributes:
        revision: entry that made it known.
        statement: by which the key before named it; empty for the first.
    """

    key: PublicKey
    revision: int
    statement: bytes


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys that are believed.

    Attributes:
        keys: from the one that was believed first to the newest it handed over to.
        reason: why, as a sentence.
    """

    keys: tuple[PublicKey, ...]
    reason: str


def read_key(given: str) -> PublicKey:
    """A key that was given as text, or in a file that holds it.

    Raises:
        CannotRead: if it is no key, and there is no such file.
        InvalidArgument: if the file holds something else.
    """
    try:
        return PublicKey.parse(given)
    except InvalidKey:
        pass
    try:
        lines = [line.strip() for line in Path(given).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise CannotRead(
            f"{given} is no key <name>+<hash>+<base64>, and no file that can be read: {error}"
        ) from None
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) != 1:
        raise InvalidArgument(f"{given} holds {len(keys)} keys, while one is needed: the one you trust")
    try:
        return PublicKey.parse(keys[0])
    except InvalidKey as error:
        raise InvalidArgument(f"{given}: {error}") from None


def handed_over(start: PublicKey, told: Sequence[KnownKey]) -> tuple[PublicKey, ...]:
    """A key and those that follow it by statements that hold.

    Raises:
        InvalidEvidence: if a statement does not hold.
    """
    keys = [start]
    places = [index for index, known in enumerate(told) if known.key == start]
    for known in told[places[0] + 1 :] if places else ():
        verify_rotation(known.statement, keys[-1], revision=known.revision)
        keys.append(known.key)
    return tuple(keys)


def trust_in(told: Sequence[KnownKey], *, given: PublicKey | None, seen: PublicKey | None) -> Trust:
    """The keys to believe of those a registry tells of.

    Args:
        told: oldest first.
        given: the key the caller trusts.
        seen: the key that was believed before.

    Raises:
        InvalidEvidence: if a key does not follow from the one before it.
    """
    if given is not None:
        return Trust(handed_over(given, told), "it is the key you gave, or follows from it")
    if seen is not None:
        return Trust(handed_over(seen, told), "it is the key this user saw before, or follows from it")
    if not told:
        return Trust((), "the registry tells of no key")
    return Trust(
        handed_over(told[0].key, told),
        "nothing but that the registry says so, for it is seen for the first time: compare the key with the one "
        "its operator tells, or give that with --key",
    )
