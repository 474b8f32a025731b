"""Who a caller is and what it may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.values.edge import enum_word, time_of

if TYPE_CHECKING:
    from muniment.v1 import access_service_pb2


def _role(number: int) -> str:
    from muniment.v1 import access_service_pb2

    return enum_word(access_service_pb2.Role, number, "ROLE_").lower()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in a project; ``projects/-`` is every project and the instance itself."""

    role: str
    project: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a caller is."""

    principal: str
    grants: tuple[Grant, ...]
    message: access_service_pb2.Identity = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: access_service_pb2.Identity) -> Identity:
        grants = tuple(Grant(_role(grant.role), grant.project) for grant in message.grants)
        return cls(message.principal, grants, message)


@dataclass(frozen=True, slots=True)
class Token:
    """A token; ``secret`` only in the answer that created it."""

    name: str
    principal: str
    roles: tuple[str, ...]
    secret: str = field(repr=False)
    create_time: datetime | None
    expire_time: datetime | None
    revoke_time: datetime | None
    message: access_service_pb2.Token = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: access_service_pb2.Token) -> Token:
        return cls(
            name=message.name,
            principal=message.principal,
            roles=tuple(_role(role) for role in message.roles),
            secret=message.secret,
            create_time=time_of(message, "create_time"),
            expire_time=time_of(message, "expire_time"),
            revoke_time=time_of(message, "revoke_time"),
            message=message,
        )
