"""Tokens: kept as sha256 of a 256-bit random secret, which needs no salt or slow hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, or_, select, update

from muniment_core.db.tables import projects, tokens
from muniment_core.domain.access import Principal, Role
from muniment_core.domain.errors import TokenNotFound

_TOKENS = select(tokens, projects.c.name.label("project")).outerjoin(
    projects, projects.c.id == tokens.c.project_id
)


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token without its secret.

    Attributes:
        project: where its roles hold; None on the whole instance.
    """

    id: int
    principal: str
    project: str | None
    roles: frozenset[Role]
    create_time: datetime
    expire_time: datetime | None
    revoke_time: datetime | None


class TokenStore:
    """Tokens on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        secret_hash: bytes,
        *,
        principal: str,
        project_id: int | None,
        roles: frozenset[Role],
        now: datetime,
        expire_time: datetime | None = None,
    ) -> TokenRecord:
        """Keep a new token."""
        token_id = self._connection.execute(
            insert(tokens)
            .values(
                secret_hash=secret_hash,
                principal=principal,
                project_id=project_id,
                roles=" ".join(sorted(roles)),
                create_time=now,
                expire_time=expire_time,
            )
            .returning(tokens.c.id)
        ).scalar_one()
        return self.require(token_id)

    def bears_elsewhere(self, principal: str, project_id: int | None) -> bool:
        """Whether a principal ever bore a token outside of a project."""
        elsewhere = or_(tokens.c.project_id.is_(None), tokens.c.project_id != project_id)
        return bool(
            self._connection.execute(
                select(exists().where(tokens.c.principal == principal, elsewhere))
            ).scalar_one()
        )

    def require(self, token_id: int) -> TokenRecord:
        """A token by its key.

        Raises:
            TokenNotFound: if there is none.
        """
        row = self._connection.execute(_TOKENS.where(tokens.c.id == token_id)).one_or_none()
        if row is None:
            raise TokenNotFound(f"tokens/{token_id}")
        return _record(row)

    def page(self, project_id: int | None, *, before: int | None, limit: int) -> list[TokenRecord]:
        """Tokens of a project (None: of the instance), newest first, older than one."""
        statement = _TOKENS.where(tokens.c.project_id == project_id).order_by(tokens.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(tokens.c.id < before)
        return [_record(row) for row in self._connection.execute(statement)]

    def revoke(self, token_id: int, now: datetime) -> TokenRecord:
        """End a token; the first revocation's time stays."""
        self._connection.execute(
            update(tokens)
            .where(tokens.c.id == token_id, tokens.c.revoke_time.is_(None))
            .values(revoke_time=now)
        )
        return self.require(token_id)

    def principal_of(self, secret_hash: bytes, now: datetime) -> Principal | None:
        """The principal a secret belongs to, with the roles of that token alone; None if it is not valid."""
        valid = (tokens.c.revoke_time.is_(None)) & or_(
            tokens.c.expire_time.is_(None), tokens.c.expire_time > now
        )
        found = self._connection.execute(
            _TOKENS.where(tokens.c.secret_hash == secret_hash, valid)
        ).one_or_none()
        if found is None:
            return None
        token = _record(found)
        if token.project is None:
            return Principal(token.principal, roles={}, instance_roles=token.roles)
        return Principal(token.principal, roles={token.project: token.roles})


def _record(row: Row[Any]) -> TokenRecord:
    return TokenRecord(
        row.id,
        row.principal,
        row.project,
        frozenset(Role(role) for role in row.roles.split()),
        row.create_time,
        row.expire_time,
        row.revoke_time,
    )
