"""The base of all refusals."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Base of all refusals.

    Attributes:
        reason: name of the ``ErrorReason`` value without its prefix.
        facts: named facts for programs, as text.
        field: the request field at fault, or empty.
    """

    reason: ClassVar[str]

    def __init__(self, message: str, *, field: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = {name: str(value) for name, value in facts.items()}
        if field:
            self.facts["field"] = field
