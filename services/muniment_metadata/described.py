"""What documents about a version are written from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from muniment_core.domain.catalog import Parent, VersionRecord
from muniment_core.domain.lineage import VersionNode
from muniment_core.domain.manifest_files import ListedFile

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,31}://[A-Za-z0-9._~:/?#@!$&'()*+,;=-]{1,2000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A version with its files and ancestors, as far as the reader of the document may see them.

    Attributes:
        files: empty when their list was collected.
        parents: those whose names may be told.
        ancestors: each with the number of edges to it.
        hidden_ancestors: how many there are beside, whose names may not be told.
        more_ancestors: there are more than were looked for.
    """

    version: VersionRecord
    files: tuple[ListedFile, ...]
    parents: tuple[Parent, ...]
    ancestors: tuple[tuple[VersionNode, int], ...]
    hidden_ancestors: int
    more_ancestors: bool


def number_text(value: float) -> str:
    """A number so that reading it gives the same again; NaN and the infinities as JSON libraries spell them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def is_address(text: str) -> bool:
    """Whether text can stand where a format wants an address. What callers record is free text."""
    return _ADDRESS.fullmatch(text) is not None
