"""Who may not call."""

from __future__ import annotations

from muniment_core.domain.errors.base import DomainError


class TokenMissing(DomainError):
    """No token was sent."""

    reason = "TOKEN_MISSING"

    def __init__(self) -> None:
        super().__init__("no token was sent as 'authorization: Bearer <token>'")


class TokenInvalid(DomainError):
    """The token is unknown, expired or revoked."""

    reason = "TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("the token is not valid here: it is unknown, expired or revoked")


class PermissionDenied(DomainError):
    """The caller may see the project and lacks the permission."""

    reason = "PERMISSION_DENIED"

    def __init__(
        self, *, principal: str, permission: str, project: str | None, roles: tuple[str, ...]
    ) -> None:
        where = "the whole instance" if project is None else f"project {project!r}"
        super().__init__(
            f"{principal} lacks permission {permission} in {where}: it comes with role {' or '.join(roles)}",
            principal=principal,
            permission=permission,
            project="-" if project is None else project,
        )
