"""Use cases on tokens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from muniment_core.db.token_store import TokenRecord
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.access import SYSTEM, Permission, Principal, Role
from muniment_core.domain.catalog import bytes_digest
from muniment_core.domain.errors import InvalidField, NameTaken, TokenNotFound
from muniment_core.domain.ledger import EntryDraft, format_time

SECRET_BYTES = 32
PREFIX = "mun_"


def new_secret() -> str:
    """A token's secret: 256 random bits, recognisable by its prefix."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def create_token(
    unit: UnitOfWork,
    secret_hash: bytes,
    *,
    principal: str,
    project: str | None,
    roles: frozenset[Role],
    expire_time: datetime | None,
    creator: Principal = SYSTEM,
) -> TokenRecord:
    """Keep a token for a principal with roles in a project (None: on the instance).

    A principal is one and the same in the whole registry: its name stands in the ledger, and its request ids
    are its own. So whoever manages the tokens of a project alone may not name one that bears tokens elsewhere.

    Raises:
        NameTaken: if the principal is another's.
        ProjectNotFound: if the project does not exist.
        InvalidField: if the token would end in the past.
    """
    if expire_time is not None and expire_time <= unit.now:
        raise InvalidField("expire_time", f"is {format_time(expire_time)}, which is not in the future")
    if principal == SYSTEM.name:
        raise NameTaken(principal, principal)
    project_id = None if project is None else unit.projects.require(project).id
    may_name_all = creator.holds(Permission.TOKEN_MANAGE, None)
    if not may_name_all and unit.tokens.bears_elsewhere(principal, project_id):
        raise NameTaken(principal, principal)
    token = unit.tokens.create(
        secret_hash,
        principal=principal,
        project_id=project_id,
        roles=roles,
        now=unit.now,
        expire_time=expire_time,
    )
    facts: dict[str, object] = {"secret": bytes_digest(secret_hash)}
    if token.expire_time is not None:
        facts["expire_time"] = format_time(token.expire_time)
    unit.record(_entry("token.created", token, facts))
    return token


def list_tokens(reader: Reader, project: str | None, *, before: int | None, limit: int) -> list[TokenRecord]:
    """Tokens of a project (None: of the instance), newest first.

    Raises:
        ProjectNotFound: if the project does not exist.
    """
    project_id = None if project is None else reader.projects.require(project).id
    return reader.tokens.page(project_id, before=before, limit=limit)


def revoke_token(unit: UnitOfWork, project: str | None, token_id: int) -> TokenRecord:
    """End a token for good.

    Raises:
        TokenNotFound: if the project has no such token.
    """
    if unit.tokens.require(token_id).project != project:
        raise TokenNotFound(f"tokens/{token_id}")
    token = unit.tokens.revoke(token_id, unit.now)
    unit.record(_entry("token.revoked", token, {}))
    return token


def _entry(entry_type: str, token: TokenRecord, facts: Mapping[str, object]) -> EntryDraft:
    return EntryDraft(
        type=entry_type,
        project=token.project or "",
        data={"token": token.id, "principal": token.principal, "roles": sorted(token.roles), **facts},
    )
