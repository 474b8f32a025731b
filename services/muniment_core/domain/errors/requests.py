"""What is wrong with a request itself."""

from __future__ import annotations

from muniment_core.domain.errors.base import DomainError


class InvalidName(DomainError):
    """A name breaks the rule of its kind."""

    reason = "INVALID_NAME"

    def __init__(self, field: str, value: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field, value=value[:200])


class InvalidSelector(DomainError):
    """A selector cannot be read."""

    reason = "INVALID_SELECTOR"

    def __init__(self, field: str, value: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field, value=value[:200])


class InvalidField(DomainError):
    """A field is missing, out of range or contradicts another."""

    reason = "INVALID_FIELD"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field} {why}", field=field)


class InvalidPageToken(DomainError):
    """The page token is of another query, or was changed."""

    reason = "INVALID_PAGE_TOKEN"

    def __init__(self, why: str) -> None:
        super().__init__(f"page_token {why}: leave it empty to start again", field="page_token")


class InvalidFilter(DomainError):
    """A search filter or order cannot be understood."""

    reason = "INVALID_FILTER"

    def __init__(self, field: str, position: int, why: str) -> None:
        super().__init__(f"{field}, at position {position}: {why}", field=field, position=position)


class InvalidPath(DomainError):
    """A file path is not a safe relative path, or clashes with another."""

    reason = "INVALID_PATH"

    def __init__(self, field: str, value: str, why: str) -> None:
        super().__init__(f"{field} {value[:200]!r} {why}", field=field, value=value[:200])


class LimitExceeded(DomainError):
    """A count or size is over its documented limit."""

    reason = "LIMIT_EXCEEDED"

    def __init__(self, field: str, limit: int, value: int) -> None:
        super().__init__(
            f"{field} has {value}, while at most {limit} are allowed", field=field, limit=limit, value=value
        )


class QueryTooLong(DomainError):
    """A question takes the database longer than any may."""

    reason = "QUERY_TOO_LONG"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the question was given up after {seconds} s, as it takes too long", limit=seconds)


class RequestIdReused(DomainError):
    """The request id was used before with another request."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request_id {request_id!r} was used before for another request: take a new one",
            field="request_id",
            request_id=request_id,
        )
