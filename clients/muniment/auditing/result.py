"""What a verification came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was verified, and what is not as it should be.

    Attributes:
        origin: name of the ledger.
        size: entries the checkpoint signs for.
        root_hash: their root, in hexadecimal.
        key: the key that signed, as C2SP notes write it.
        trust: why that key is believed, as a sentence.
        is_full: whether every entry was read; else only that the ledger begins with what was seen before.
        entries: entries that were read.
        compared: models whose versions, aliases and stages were compared with the entries, beside projects and
            deployments.
        compared_tokens: tokens that were; 0 where the caller may not list them.
        begins_with: size of the earlier checkpoint it was proved to begin with; 0: none was seen before.
        replaced_keys: where a lost key was replaced, which nobody signed; one sentence each.
        differences: what is wrong, one sentence each; empty when all is well.
    """

    origin: str
    size: int
    root_hash: str
    key: str
    trust: str
    is_full: bool
    entries: int = 0
    compared: int = 0
    compared_tokens: int = 0
    begins_with: int = 0
    replaced_keys: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether all is well."""
        return not self.differences

    @property
    def fields(self) -> dict[str, Any]:
        """As JSON has it."""
        sentences = {"differences": list(self.differences), "replaced_keys": list(self.replaced_keys)}
        return {**asdict(self), **sentences}
