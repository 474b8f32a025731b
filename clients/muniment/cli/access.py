"""``muniment whoami`` and ``muniment token``."""

from __future__ import annotations

from datetime import datetime

import click

from muniment.cli.invocation import Invocation
from muniment.cli.output import many, note, one, say, view
from muniment.cli.parameters import to_expiry, to_text
from muniment.cli.text import last, when
from muniment.cli.verb import group, verb
from muniment.values import Grant, Identity, Token

_INSTANCE = click.option("--instance", is_flag=True, help="Of the whole registry instead of the project.")


@verb("whoami")
def whoami(invocation: Invocation) -> None:
    """Show who the token stands for and what it may do."""

    def tell(identity: Identity) -> None:
        view(identity.principal, [("roles", [_grant(grant) for grant in identity.grants])])

    with invocation.connect() as registry:
        one(registry.whoami(), json=invocation.json, human=tell)


@verb("create")
@click.argument("principal", type=to_text)
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    type=to_text,
    metavar="ROLE",
    help="reader, writer, promoter, controller or admin; may be repeated.",
)
@click.option("--expires", type=to_expiry, metavar="TIME", help="For example 12h, 30d or 2027-01-31. [never]")
@_INSTANCE
def create(
    invocation: Invocation, principal: str, roles: tuple[str, ...], expires: datetime | None, instance: bool
) -> None:
    """Create a token for PRINCIPAL with roles in the project.

    Its secret is printed now and never again.
    """

    def tell(created: Token) -> None:
        view(f"Token {last(created.name)}", (*_fields(created), ("secret", created.secret)))
        note("Keep the secret now: it cannot be shown again.")

    with invocation.connect() as registry:
        created = registry.create_token(principal, roles=roles, project=_project(instance), expires=expires)
        one(created, json=invocation.json, human=tell)


@verb("list")
@_INSTANCE
def list_(invocation: Invocation, instance: bool) -> None:
    """List the tokens of the project, newest first."""
    with invocation.connect() as registry:
        many(
            registry.tokens(_project(instance)),
            json=invocation.json,
            columns=("TOKEN", "PRINCIPAL", "ROLES", "CREATED", "EXPIRES", "REVOKED"),
            row=lambda listed: (
                last(listed.name),
                listed.principal,
                ", ".join(listed.roles),
                when(listed.create_time),
                when(listed.expire_time),
                when(listed.revoke_time),
            ),
            none="The project has no tokens of its own.",
        )


@verb("revoke")
@click.argument("name", metavar="TOKEN", type=to_text)
@_INSTANCE
def revoke(invocation: Invocation, name: str, instance: bool) -> None:
    """Revoke TOKEN, by the name 'token list' shows, for good."""
    resource = f"projects/-/tokens/{name}" if instance and "/" not in name else name
    with invocation.connect() as registry:
        one(
            registry.revoke_token(resource),
            json=invocation.json,
            human=lambda revoked: say(f"Revoked token {last(revoked.name)} of {revoked.principal}"),
        )


def _project(instance: bool) -> str | None:
    return "-" if instance else None


def _fields(token: Token) -> tuple[tuple[str, str], ...]:
    return (
        ("principal", token.principal),
        ("roles", ", ".join(token.roles)),
        ("expires", when(token.expire_time) or "never"),
    )


def _grant(grant: Grant) -> str:
    return f"{grant.role} of " + (
        "the whole registry" if grant.project == "projects/-" else last(grant.project)
    )


token = group("token", "Create, list and revoke tokens.", create, list_, revoke)
