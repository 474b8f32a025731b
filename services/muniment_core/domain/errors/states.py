"""What the state of a resource forbids."""

from __future__ import annotations

from muniment_core.domain.errors.base import DomainError


class EtagMismatch(DomainError):
    """The resource changed since the caller read it."""

    reason = "ETAG_MISMATCH"

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(
            f"etag is {actual!r}, while {expected!r} was expected: read the resource again and repeat",
            field="etag",
            expected=expected,
            actual=actual,
        )


class CurrentMismatch(DomainError):
    """The pointer is not where the caller expected it."""

    reason = "CURRENT_MISMATCH"

    def __init__(self, pointer: str, *, expected: int, actual: int) -> None:
        def told(number: int) -> str:
            return f"version {number}" if number else "no version"

        super().__init__(
            f"{told(actual)} is current in {pointer}, while {told(expected)} was expected: "
            "look at it and decide again",
            pointer=pointer,
            expected=expected,
            actual=actual,
        )


class SequenceBroken(DomainError):
    """A sender's message does not follow on the last one that is sealed."""

    reason = "SEQUENCE_BROKEN"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"message {actual} was sent, while {expected} comes next: repeat what was not acknowledged, as a "
            "new sender if this one's messages are gone",
            field="sequence",
            expected=expected,
            actual=actual,
        )


class AlreadyCurrent(DomainError):
    """The version is current in the stage already."""

    reason = "ALREADY_CURRENT"

    def __init__(self, version: str, stage: str) -> None:
        super().__init__(f"{version} is current in {stage} already", version=version, stage=stage)


class NoPreviousVersion(DomainError):
    """There is no earlier current version to roll back to."""

    reason = "NO_PREVIOUS_VERSION"

    def __init__(self, stage: str, model: str, why: str) -> None:
        super().__init__(f"{model} cannot be rolled back in {stage}: {why}", stage=stage, model=model)


class VersionNotReady(DomainError):
    """The version is archived or deleted."""

    reason = "VERSION_NOT_READY"

    def __init__(self, version: str, state: str) -> None:
        super().__init__(f"{version} is {state}, while READY is needed", version=version, state=state)


class VersionNotArchived(DomainError):
    """The version is not archived."""

    reason = "VERSION_NOT_ARCHIVED"

    def __init__(self, version: str, state: str) -> None:
        super().__init__(
            f"{version} is {state}, while only an ARCHIVED version can be restored",
            version=version,
            state=state,
        )


class InUse(DomainError):
    """The resource is in use and cannot go."""

    reason = "IN_USE"

    def __init__(self, resource: str, user: str) -> None:
        super().__init__(
            f"{resource} is in use by {user}: release it there first", resource=resource, user=user
        )
