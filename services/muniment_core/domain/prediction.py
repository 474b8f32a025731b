"""What the registry keeps of predictions beside their bodies, as pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muniment.names import VersionName

MICROSECONDS_OF_HOUR = 3_600_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_microseconds(since_1970: int) -> datetime:
    """A time from how the index keeps it."""
    return _EPOCH + timedelta(microseconds=since_1970)


def hour_of(time: datetime) -> int:
    """The hour since 1970 a time lies in."""
    return (time - _EPOCH) // timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SenderKey:
    """Who sends: senders of different principals never meet."""

    project_id: int
    principal: str
    sender: str


@dataclass(frozen=True, slots=True)
class SenderPosition:
    """How far a sender is: its last sealed message, and the revision of that one's batch. 0 for a new one."""

    sequence: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A sealed batch.

    Attributes:
        revision: of its ledger entry.
        root_hash: RFC 9162 root over its predictions.
        expire_time: when retention gave its body up, or None.
        body_dropped: whether the body was removed since.
    """

    revision: int
    project_id: int
    count: int
    root_hash: bytes
    body_digest: str
    body_bytes: int
    first_time: datetime
    last_time: datetime
    seal_time: datetime
    expire_time: datetime | None = None
    body_dropped: bool = False


@dataclass(frozen=True, slots=True)
class ShareKey:
    """Whose share of a batch: a version's, in one hour since 1970."""

    version_id: int
    hour: int


@dataclass(slots=True)
class Share:
    """How many predictions there are, and from when to when, in microseconds since 1970."""

    count: int
    first: int
    last: int

    def add(self, time: int) -> None:
        """Count one more."""
        self.count += 1
        if time < self.first:
            self.first = time
        if time > self.last:
            self.last = time

    def merge(self, other: Share) -> None:
        """Count those of another share too."""
        self.count += other.count
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)


@dataclass(frozen=True, slots=True)
class ListedShare:
    """A share as it is found again.

    Attributes:
        version: whose predictions they are.
        position: where it stands in the order in which shares are listed.
    """

    version: VersionName
    batch: Batch
    hour: int
    first_time: datetime
    last_time: datetime
    count: int
    version_id: int

    @property
    def position(self) -> tuple[int, datetime, int, int]:
        return self.hour, self.first_time, self.batch.revision, self.version_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionScope:
    """Whose predictions are meant: one version's, or those of all versions of a project trained on a data set.

    Attributes:
        version_id: key of the version, or 0.
        dataset_digest: ``sha256:<hex>``, when there is no version.
    """

    project_id: int
    version_id: int = 0
    dataset_digest: str = ""
