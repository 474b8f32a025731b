"""AccessService: tokens and who-am-I."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from muniment.names import ALL_PROJECTS, ProjectName, check_name
from muniment.names import InvalidName as InvalidNameText
from muniment.v1 import access_service_pb2 as pb
from muniment.v1 import access_service_pb2_grpc
from muniment_core.db.token_store import TokenRecord
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.access import Role
from muniment_core.domain.errors import InvalidField
from muniment_core.rpc.auth import current_principal, secret_hash
from muniment_core.rpc.convert import name, parse, project_or_all, time, timestamp
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens, page_of, page_size

from muniment_metadata import tokens

_TOKEN_ID = re.compile(r"[1-9][0-9]{0,17}")

Context = Any


class AccessServicer(access_service_pb2_grpc.AccessServiceServicer):
    """Serves identities and tokens."""

    def __init__(
        self, execution: Execution, page_tokens: PageTokens, *, forget_principals: Callable[[], None]
    ) -> None:
        """
        Args:
            forget_principals: called when a token was revoked.
        """
        self._execution = execution
        self._pages = page_tokens
        self._forget_principals = forget_principals

    async def WhoAmI(self, request: pb.WhoAmIRequest, context: Context) -> pb.Identity:
        principal = current_principal.get()
        grants = [
            pb.Grant(role=_role_value(role), project=ALL_PROJECTS)
            for role in sorted(principal.instance_roles)
        ]
        for project, roles in sorted(principal.roles.items()):
            grants += [
                pb.Grant(role=_role_value(role), project=f"projects/{project}") for role in sorted(roles)
            ]
        return pb.Identity(principal=principal.name, grants=grants)

    async def CreateToken(self, request: pb.CreateTokenRequest, context: Context) -> pb.Token:
        project = project_or_all("parent", request.parent)
        principal = name("principal", "principal", request.principal)
        roles = frozenset(_role(f"roles[{index}]", role) for index, role in enumerate(request.roles))
        if not roles:
            raise InvalidField("roles", "is required")
        expire_time = time("expire_time", request.expire_time) if request.HasField("expire_time") else None
        secret = tokens.new_secret()
        key = secret_hash(secret)
        creator = current_principal.get()

        def create(unit: UnitOfWork) -> TokenRecord:
            return tokens.create_token(
                unit,
                key,
                principal=principal,
                project=project,
                roles=roles,
                expire_time=expire_time,
                creator=creator,
            )

        def add_secret(answer: pb.Token) -> None:
            answer.secret = secret

        # Only when it is complete: the answer that is remembered for a repeated request must not hold the secret.
        return await self._execution.mutate(request, create, token_message, pb.Token, complete=add_secret)

    async def ListTokens(self, request: pb.ListTokensRequest, context: Context) -> pb.ListTokensResponse:
        project = project_or_all("parent", request.parent)
        limit, before = page_size(request), self._pages.position(request)
        found = await self._execution.read(
            lambda reader: tokens.list_tokens(reader, project, before=before, limit=limit + 1)
        )
        page, last = page_of(found, limit, token_message, lambda result: result.id)
        return pb.ListTokensResponse(tokens=page, next_page_token=self._pages.next(request, last))

    async def RevokeToken(self, request: pb.RevokeTokenRequest, context: Context) -> pb.Token:
        project, token_id = parse("name", _token_name, request.name)
        revoked = await self._execution.mutate(
            request, lambda unit: tokens.revoke_token(unit, project, token_id), token_message, pb.Token
        )
        self._forget_principals()
        return revoked


def _token_name(text: str) -> tuple[str | None, int]:
    """``projects/{project}/tokens/{id}`` as project (None for ``-``) and key."""
    parts = text.split("/")
    if len(parts) != 4 or parts[0] != "projects" or parts[2] != "tokens" or not _TOKEN_ID.fullmatch(parts[3]):
        raise InvalidNameText("token", text, "write it as projects/{project}/tokens/{number}")
    return (None if parts[1] == "-" else check_name("project", parts[1])), int(parts[3])


def _role(field: str, value: int) -> Role:
    if value not in pb.Role.values() or value == pb.ROLE_UNSPECIFIED:
        raise InvalidField(field, f"is {value}, which is not a role")
    return Role(pb.Role.Name(value).removeprefix("ROLE_").lower())


def _role_value(role: Role) -> str:
    """Messages take the values of an enum by name."""
    return f"ROLE_{role.name}"


def token_message(token: TokenRecord) -> pb.Token:
    """A token for an answer, without its secret."""
    parent = ALL_PROJECTS if token.project is None else ProjectName(token.project).text
    return pb.Token(
        name=f"{parent}/tokens/{token.id}",
        principal=token.principal,
        roles=[_role_value(role) for role in sorted(token.roles)],
        create_time=timestamp(token.create_time),
        expire_time=timestamp(token.expire_time),
        revoke_time=timestamp(token.revoke_time),
    )
