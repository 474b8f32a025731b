"""Who calls, and the tokens of others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from muniment import names
from muniment.errors import InvalidArgument, InvalidName
from muniment.names import ALL_PROJECTS, ProjectName
from muniment.registry.session import Session, built, new_request_id, parsed, sendable, time_stamp
from muniment.v1 import access_service_pb2 as pb
from muniment.values import Identity, Token

_SECRET_PREFIX = "mun_"
_TOKENS = re.compile(r"projects/[^/]+/tokens")
ROLES = tuple(name.removeprefix("ROLE_").lower() for name in pb.Role.keys() if name != "ROLE_UNSPECIFIED")  # noqa: SIM118


def whoami(session: Session) -> Identity:
    return Identity.of(session.calls.unary(session.access.WhoAmI, pb.WhoAmIRequest()))


def create_token(
    session: Session, principal: str, *, roles: Iterable[str], project: str | None, expires: datetime | None
) -> Token:
    with sendable("roles"):
        wanted = [roles] if isinstance(roles, str) else list(roles)
    for role in wanted:
        if role not in ROLES:
            raise InvalidArgument(f"role {role!r} is not one of {', '.join(ROLES)}")
    request = built(
        pb.CreateTokenRequest,
        parent=_parent(session, project),
        principal=principal,
        roles=[f"ROLE_{role.upper()}" for role in wanted],
        expire_time=time_stamp("expires", expires),
        request_id=new_request_id(),
    )
    return Token.of(session.calls.unary(session.access.CreateToken, request))


def list_tokens(session: Session, project: str | None) -> Iterator[Token]:
    request = pb.ListTokensRequest(parent=_parent(session, project))
    return map(Token.of, session.calls.pages(session.access.ListTokens, request, "tokens"))


def revoke_token(session: Session, name: str) -> Token:
    request = built(pb.RevokeTokenRequest, name=_token_name(session, name), request_id=new_request_id())
    return Token.of(session.calls.unary(session.access.RevokeToken, request))


def _token_name(session: Session, name: str) -> str:
    """The resource name of a token, given that or its number in the project."""
    if not isinstance(name, str):
        raise InvalidName(f"token {name!r:.50} is not text: write its number, as in '1'", "INVALID_NAME")
    parent, separator, number = name.rpartition("/")
    if name.startswith(_SECRET_PREFIX):
        # Not repeated: messages end up in logs.
        raise InvalidName("this is the secret of a token, while its number is needed", "INVALID_NAME")
    if not (number.isascii() and number.isdecimal()) or (separator and not _TOKENS.fullmatch(parent)):
        raise InvalidName(
            f"token {name[:200]!r} is not valid: write its number, as the list of tokens shows it, "
            "or projects/{project}/tokens/{number}",
            "INVALID_NAME",
            {"field": "name", "value": name[:200]},
        )
    return name if separator else f"{session.project.text}/tokens/{number}"


def _parent(session: Session, project: str | None) -> str:
    """The project named, the connection's by default; ``-`` is the instance."""
    if project is None:
        return session.project.text
    if project == "-":
        return ALL_PROJECTS
    return parsed(lambda: ProjectName(names.check_name("project", project))).text
