"""Where bytes are, and what becomes of blobs nobody needs."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """Where the chunks of a manifest are: at hand, or given up, while what is known of them stays."""

    HOT = "HOT"
    GONE = "GONE"


class Shelf(StrEnum):
    """A store that blobs are collected from."""

    HOT = "HOT"
    PREDICTIONS = "PREDICTIONS"


class Fate(StrEnum):
    """What is to become of a blob nobody refers to; a blob without a fate is live.

    CONDEMNED may be taken back by whoever stores the same bytes again. DELETING may not: until that is done
    nobody may refer to the blob, since it may go at any moment.
    """

    CONDEMNED = "CONDEMNED"
    DELETING = "DELETING"
