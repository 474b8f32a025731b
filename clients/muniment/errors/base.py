"""The base of all errors of the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MunimentError(Exception):
    """Base of all errors of the SDK.

    Attributes:
        message: what happened, both sides named.
        reason: name of the ``ErrorReason`` without its prefix; empty when no server gave one.
        metadata: the named facts of the reason.
    """

    advice: ClassVar[str] = ""
    """What to do about errors of this class."""

    def __init__(self, message: str, reason: str = "", metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})

    def __reduce__(self) -> tuple[type[MunimentError], tuple[str, str, dict[str, str]]]:
        return type(self), (self.message, self.reason, self.metadata)

    def diagnostics(self) -> str:
        """The error and what to do about it, as sentences for people."""
        message = self.message.rstrip(".")
        return f"{message}. {self.advice}" if self.advice else f"{message}."
