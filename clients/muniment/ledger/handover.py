"""From a key that is trusted to those that follow it, by entries that somebody shows."""

from __future__ import annotations

from collections.abc import Iterable

from muniment.ledger.entry import VerifiableEntry
from muniment.ledger.keys import PublicKey
from muniment.ledger.members import Members
from muniment.ledger.rotation import verify_rotation

ROTATED = "log.key_rotated"


def handed_to(keys: Iterable[PublicKey], rotations: Iterable[VerifiableEntry]) -> dict[PublicKey, PublicKey]:
    """The keys that are believed, each with the trusted one it follows from.

    Entries need not be proven for that: the old key signed what they say of the new one. Those of keys that nobody
    trusts, such as the ones before the oldest that is, lead nowhere.

    Args:
        keys: trusted.
        rotations: of type ``log.key_rotated``, oldest first.

    Raises:
        InvalidEvidence: if a key that is believed did not sign what an entry says it did.
    """
    believed = {key: key for key in keys}
    for entry in rotations:
        data = Members(entry.data, ROTATED)
        old = PublicKey.parse(data.text("previous_key"))
        if old in believed:
            new = verify_rotation(data.text("statement").encode(), old, revision=entry.revision)
            believed.setdefault(new, believed[old])
    return believed
