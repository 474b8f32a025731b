"""``muniment-server token``: for the operator of the machine, who needs no token to make one."""

from __future__ import annotations

import json
from typing import Any

import click
import grpc
from muniment import local
from muniment.names import ALL_PROJECTS, ProjectName, check_name
from muniment.v1 import access_service_pb2 as pb
from muniment.v1 import access_service_pb2_grpc
from muniment_core.db.writer import Change
from muniment_core.domain.access import SYSTEM, Role
from muniment_core.rpc.auth import secret_hash
from muniment_metadata.tokens import create_token, new_secret

from muniment_server.core import running_core
from muniment_server.data_directory import DirectoryInUse
from muniment_server.settings import StorageSettings, storage_options, storage_settings

CALL_SECONDS = 30.0
MAX_PRINCIPAL = 128


@click.group()
def token() -> None:
    """Create tokens on the machine of the registry."""


@token.command()
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in Role])
)
@click.option(
    "--project", default="default", show_default=True, help="Project the roles hold in; - for the instance."
)
@click.option(
    "--principal", default="", help="Who bears it, as the ledger will name them.  [default: PROJECT-ROLE]"
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@storage_options
def create(roles: tuple[str, ...], project: str, principal: str, as_json: bool, **values: Any) -> None:
    """Create a token and print its secret, which is shown only now."""
    parent = ALL_PROJECTS if project == "-" else ProjectName(check_name("project", project)).text
    principal = check_name("principal", principal or _default_principal(project, roles[0]))
    settings = storage_settings(values)
    granted = frozenset(Role(role) for role in roles)
    try:
        secret = _create_directly(settings, parent, principal, granted)
    except DirectoryInUse:
        secret = _create_through_server(settings, parent, principal, granted)
    if as_json:
        click.echo(
            json.dumps(
                {"principal": principal, "roles": sorted(granted), "project": project, "secret": secret}
            )
        )
    else:
        click.echo(secret)


def _default_principal(project: str, role: str) -> str:
    return role if project == "-" else f"{project[: MAX_PRINCIPAL - len(role) - 1]}-{role}"


def _create_directly(settings: StorageSettings, parent: str, principal: str, roles: frozenset[Role]) -> str:
    secret = new_secret()
    project = None if parent == ALL_PROJECTS else ProjectName.parse(parent).project
    with running_core(settings) as core:
        change = Change(
            lambda unit: create_token(
                unit, secret_hash(secret), principal=principal, project=project, roles=roles, expire_time=None
            ),
            SYSTEM.name,
        )
        core.writer.submit(change).result()
    return secret


def _create_through_server(
    settings: StorageSettings, parent: str, principal: str, roles: frozenset[Role]
) -> str:
    """A running server is the only writer of its embedded database: ask it, with its own admin token."""
    server = local.read_server_file(settings.data / local.SERVER_FILE)
    secret = local.read_admin_token(settings.data)
    if server is None or secret is None:
        raise click.ClickException(f"the server of {settings.data} is starting or stopping: try again")
    request = pb.CreateTokenRequest(
        parent=parent,
        principal=principal,
        roles=[f"ROLE_{role.name}" for role in sorted(roles)],
    )
    with grpc.insecure_channel(server.address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        try:
            answer = access_service_pb2_grpc.AccessServiceStub(channel).CreateToken(
                request, metadata=(("authorization", f"Bearer {secret}"),), timeout=CALL_SECONDS
            )
        except grpc.RpcError as error:
            raise click.ClickException(error.details() or "the server refused") from error
    return str(answer.secret)
