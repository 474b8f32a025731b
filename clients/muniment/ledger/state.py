"""The registry as its ledger tells it: what :mod:`muniment.ledger.fold` builds.

Times are the texts of the entries, digests are texts, names are last parts. ``revision`` is that of the entry
which last changed the thing's own fields, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ACTIVE, DELETED = "ACTIVE", "DELETED"
UNTOLD = -1
READY, ARCHIVED = "READY", "ARCHIVED"
PROMOTION, ROLLBACK = "PROMOTION", "ROLLBACK"


@dataclass(slots=True)
class ProjectState:
    """A project.

    Attributes:
        labels: digest of its description.
    """

    stages: tuple[str, ...]
    labels: str
    create_time: str
    revision: int


@dataclass(slots=True)
class VersionState:
    """A version.

    Attributes:
        record: digest of what is frozen.
        labels: digest of description and tags.
        metrics: digest of the values added, by the revision that added them; additions of none are left out.
        metric_counts: how many values that were, where the entry tells: that of the version itself does not.
        size_bytes: -1 if the entry does not tell.
        state_moves: states it came into after its creation, by revision.
    """

    digest: str
    state: str
    author: str
    record: str
    labels: str
    size_bytes: int
    create_time: str
    update_time: str
    create_revision: int
    revision: int
    metrics: dict[int, str]
    metric_counts: dict[int, int] = field(default_factory=dict)
    state_moves: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class AliasState:
    """An alias."""

    number: int
    actor: str
    update_time: str
    revision: int


@dataclass(slots=True)
class MoveState:
    """A move of a stage pointer.

    Attributes:
        base_revision: for a promotion, the one that was in effect below it (None: none); for a rollback, the one
            it brought back into effect. :data:`UNTOLD` where entries of old do not tell.
    """

    stage: str
    kind: str
    number: int
    previous_number: int
    base_revision: int | None
    actor: str
    reason: str
    time: str


@dataclass(slots=True)
class PointerState:
    """Where a stage points.

    Attributes:
        move_revision: the last move.
        effective_revision: the promotion in effect, which a rollback takes off.
    """

    number: int
    move_revision: int
    effective_revision: int


@dataclass(slots=True)
class ModelState:
    """A model with everything below it.

    Attributes:
        labels: digest of description and tags.
        alias_moves: number each alias pointed to by name and revision; None: it was removed.
        moves: of its stage pointers, by revision.
        change_revision: that of the newest entry that names the model, whatever it says.
    """

    state: str
    creator: str
    labels: str
    create_time: str
    update_time: str
    revision: int
    versions: dict[int, VersionState] = field(default_factory=dict)
    aliases: dict[str, AliasState] = field(default_factory=dict)
    alias_moves: dict[tuple[str, int], int | None] = field(default_factory=dict)
    pointers: dict[str, PointerState] = field(default_factory=dict)
    moves: dict[int, MoveState] = field(default_factory=dict)
    change_revision: int = 0


@dataclass(slots=True)
class TokenState:
    """A token.

    Attributes:
        project: where its roles hold; empty on the instance.
        secret: digest of the hash the server knows the secret by; empty if the entry does not tell.
        expire_time: empty: never; ``revoke_time``: empty while it is good.
    """

    principal: str
    project: str
    roles: tuple[str, ...]
    secret: str
    create_time: str
    expire_time: str
    revoke_time: str


@dataclass(slots=True)
class LogKeyState:
    """A key of the log itself.

    Attributes:
        key: as C2SP signed notes write public keys.
        statement: the note by which the key before named this one; empty for the first, and for one that took the
            place of a lost key.
    """

    key: str
    create_time: str
    statement: str = ""


@dataclass(slots=True)
class RecoveryState:
    """The operator went on with another ledger than the one that was signed.

    Attributes:
        kept_size: entries that were kept.
        anchor_size: size of the signed head that was given up; ``anchor_root``: its root, in hexadecimal.
    """

    kept_size: int
    anchor_size: int
    anchor_root: str
    reason: str
    time: str


@dataclass(slots=True)
class DeploymentState:
    """The newest report of a target."""

    number: int
    digest: str
    state: str
    acted_revision: int
    message: str
    reporter: str
    report_time: str
    revision: int
