"""Changes of the log about itself: keys and recoveries."""

from __future__ import annotations

from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import PublicKey, SigningKey
from muniment.ledger.rotation import sign_rotation

from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.signing import KEY_ADDED, KEY_REPLACED, KEY_ROTATED, RECOVERED, Recovery


class KeyKnown(RuntimeError):
    """The log has a key already: another process was faster."""


class KeyMoved(RuntimeError):
    """The active key is no longer the one that was to sign."""


def add_first_key(unit: UnitOfWork, key: PublicKey) -> None:
    """Make a key the first one of the log, whose name is the log's from now on.

    Raises:
        KeyKnown: if there is one.
    """
    if unit.checkpoints.active_key() is not None:
        raise KeyKnown
    unit.record(EntryDraft(type=KEY_ADDED, data={"origin": key.name, "key": key.text}))
    unit.checkpoints.add_key(key, revision=unit.revision, now=unit.now)


def rotate_key(unit: UnitOfWork, old: SigningKey, new: PublicKey) -> None:
    """Let a new key follow; the entry holds the old key's statement that it does.

    Raises:
        KeyMoved: if ``old`` is not the active key.
    """
    active = unit.checkpoints.active_key()
    if active is None or active.public != old.public:
        raise KeyMoved
    statement = sign_rotation(old, new, revision=unit.revision)
    unit.record(
        EntryDraft(
            type=KEY_ROTATED,
            data={
                "origin": new.name,
                "key": new.text,
                "previous_key": old.public.text,
                "statement": statement.decode(),
            },
        )
    )
    unit.checkpoints.add_key(new, revision=unit.revision, now=unit.now)


def replace_key(unit: UnitOfWork, lost: PublicKey, new: PublicKey, *, reason: str) -> None:
    """Let a new key take the place of a lost one; the entry says so, and nothing that is signed.

    Raises:
        KeyMoved: if ``lost`` is not the active key.
    """
    active = unit.checkpoints.active_key()
    if active is None or active.public != lost:
        raise KeyMoved
    unit.record(
        EntryDraft(
            type=KEY_REPLACED,
            reason=reason,
            data={"origin": new.name, "key": new.text, "previous_key": lost.text},
        )
    )
    unit.checkpoints.add_key(new, revision=unit.revision, now=unit.now)


def record_recovery(unit: UnitOfWork, anchor: Checkpoint, reason: str) -> Recovery:
    """Go on with this ledger, and say for ever which signed head was given up for it."""
    recovery = Recovery(
        revision=unit.revision,
        kept_size=unit.revision - 1,
        anchor_size=anchor.size,
        anchor_root=anchor.root,
        reason=reason,
        time=unit.now,
    )
    unit.record(
        EntryDraft(
            type=RECOVERED,
            reason=reason,
            data={
                "kept_size": recovery.kept_size,
                "anchor_size": anchor.size,
                "anchor_root": anchor.root.hex(),
            },
        )
    )
    unit.checkpoints.add_recovery(recovery)
    unit.ledger.set_alarm("")
    return recovery
