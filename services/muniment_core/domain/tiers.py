"""Where bytes are, and what becomes of blobs nobody needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Tier(StrEnum):
    """Where the chunks of a manifest are: at hand, in the cold tier, or given up while what is known stays."""

    HOT = "HOT"
    COLD = "COLD"
    GONE = "GONE"


class Shelf(StrEnum):
    """A store that blobs are collected from."""

    HOT = "HOT"
    COLD = "COLD"
    PREDICTIONS = "PREDICTIONS"


class Fate(StrEnum):
    """What is to become of a blob nobody refers to; a blob without a fate is live.

    CONDEMNED may be taken back by whoever stores the same bytes again. DELETING may not: until that is done
    nobody may refer to the blob, since it may go at any moment.
    """

    CONDEMNED = "CONDEMNED"
    DELETING = "DELETING"


@dataclass(frozen=True, slots=True)
class Policy:
    """What collection leaves alone.

    Attributes:
        before: whatever was needed, or counted on, later than this stays.
        drop_archived: whether the bytes of archived versions are given up; otherwise they move to the cold tier.
    """

    before: datetime
    drop_archived: bool = False
