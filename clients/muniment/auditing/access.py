"""Who was given access, against what the ledger tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from muniment.auditing.difference import Column, differences, time_of
from muniment.errors import PermissionDenied
from muniment.ledger.fold import Fold
from muniment.ledger.state import TokenState
from muniment.names import ALL_PROJECTS
from muniment.registry.session import Session
from muniment.v1 import access_service_pb2 as pb

_PAGE = 1_000


def may_list_tokens(session: Session) -> bool:
    """Whether the caller may list all tokens, which needs more than reading all entries does."""
    try:
        session.calls.unary(session.access.ListTokens, pb.ListTokensRequest(parent=ALL_PROJECTS, page_size=1))
    except PermissionDenied:
        return False
    return True


def token_differences(session: Session, fold: Fold) -> Iterator[str]:
    """Tokens that are listed otherwise than the ledger tells.

    The hashes by which the registry knows their secrets are never listed: ``muniment-server fsck`` compares those.
    """
    told = {f"projects/{token.project or '-'}/tokens/{id}": token for id, token in fold.tokens.items()}
    missing = set(told)
    for parent in (ALL_PROJECTS, *(f"projects/{project}" for project in list(fold.projects))):
        request = pb.ListTokensRequest(parent=parent, page_size=_PAGE)
        for token in session.calls.pages(session.access.ListTokens, request, "tokens"):
            if (state := told.get(token.name)) is None:
                yield f"token {token.name} is listed, while the ledger does not tell of it"
                continue
            missing.discard(token.name)
            yield from differences(f"token {token.name}", _columns(token, state))
    for name in sorted(missing):
        yield f"token {name} is not listed, while the ledger tells of it"


def _columns(token: Any, told: TokenState) -> Iterator[Column]:
    roles = sorted(pb.Role.Name(role).removeprefix("ROLE_").lower() for role in token.roles)
    yield "principal", token.principal, told.principal
    yield "roles", roles, sorted(told.roles)
    for name in ("create_time", "expire_time", "revoke_time"):
        found = time_of(getattr(token, name)) if token.HasField(name) else ""
        yield name, found, getattr(told, name)
