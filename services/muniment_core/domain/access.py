"""Who may do what: roles are sets of permissions, held per project or on the whole instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from muniment_core.domain.errors import PermissionDenied, ProjectNotFound


class Permission(StrEnum):
    """What a method asks of its caller; the names are those of the contract's ``Permission``."""

    AUTHENTICATED = "AUTHENTICATED"
    PROJECT_READ = "PROJECT_READ"
    PROJECT_MANAGE = "PROJECT_MANAGE"
    CATALOG_READ = "CATALOG_READ"
    CATALOG_WRITE = "CATALOG_WRITE"
    ARTIFACT_READ = "ARTIFACT_READ"
    ARTIFACT_WRITE = "ARTIFACT_WRITE"
    STAGE_PROMOTE = "STAGE_PROMOTE"
    STAGE_ROLLBACK = "STAGE_ROLLBACK"
    EVENT_WATCH = "EVENT_WATCH"
    DEPLOYMENT_REPORT = "DEPLOYMENT_REPORT"
    LEDGER_READ = "LEDGER_READ"
    TOKEN_MANAGE = "TOKEN_MANAGE"
    PREDICTION_RECORD = "PREDICTION_RECORD"
    PREDICTION_READ = "PREDICTION_READ"


class Role(StrEnum):
    """What a principal is in a project."""

    READER = "reader"
    WRITER = "writer"
    PROMOTER = "promoter"
    CONTROLLER = "controller"
    ADMIN = "admin"


_READER = frozenset(
    {
        Permission.PROJECT_READ,
        Permission.CATALOG_READ,
        Permission.ARTIFACT_READ,
        Permission.EVENT_WATCH,
        Permission.LEDGER_READ,
        Permission.PREDICTION_READ,
    }
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.READER: _READER,
    Role.WRITER: _READER
    | {Permission.CATALOG_WRITE, Permission.ARTIFACT_WRITE, Permission.PREDICTION_RECORD},
    Role.PROMOTER: _READER | {Permission.STAGE_PROMOTE, Permission.STAGE_ROLLBACK},
    Role.CONTROLLER: frozenset(
        {
            Permission.PROJECT_READ,
            Permission.CATALOG_READ,
            Permission.ARTIFACT_READ,
            Permission.EVENT_WATCH,
            Permission.DEPLOYMENT_REPORT,
            Permission.PREDICTION_RECORD,
        }
    ),
    Role.ADMIN: frozenset(Permission) - {Permission.AUTHENTICATED},
}


def roles_with(permission: Permission) -> tuple[str, ...]:
    """The roles that carry a permission, for the sentence of a refusal."""
    return tuple(role.value for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token was accepted.

    Attributes:
        name: how it stands in the ledger.
        roles: its roles per project name.
        instance_roles: its roles in every project and on the instance itself.
    """

    name: str
    roles: Mapping[str, frozenset[Role]]
    instance_roles: frozenset[Role] = frozenset()

    def holds(self, permission: Permission, project: str | None) -> bool:
        """Whether the caller has the permission in a project, or on the instance for None."""
        if _carries(self.instance_roles, permission):
            return True
        return project is not None and _carries(self.roles.get(project, ()), permission)

    def require(self, permission: Permission, project: str | None) -> None:
        """Refuse the caller unless it has the permission in the project (None: on the instance).

        Raises:
            ProjectNotFound: if it has no role at all there, so that names of foreign projects do not leak.
            PermissionDenied: if it has a role and lacks the permission.
        """
        if permission is Permission.AUTHENTICATED or self.holds(permission, project):
            return
        if project is not None and not self.instance_roles and project not in self.roles:
            raise ProjectNotFound(project)
        raise PermissionDenied(
            principal=self.name,
            permission=permission.value,
            project=project,
            roles=roles_with(permission),
        )


def _carries(roles: Iterable[Role], permission: Permission) -> bool:
    return any(permission in ROLE_PERMISSIONS[role] for role in roles)


SYSTEM = Principal(name="system", roles={}, instance_roles=frozenset({Role.ADMIN}))
"""Who acts when the server sets itself up."""
