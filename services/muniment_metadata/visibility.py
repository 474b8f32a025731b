"""What a caller is not told of other projects.

Lineage crosses projects: a version may be made from one of a project that a later reader has no role in. The
edge is part of the child's record and stays; the name at its other end is told only to those who may read it.
"""

from __future__ import annotations

from muniment.names import VersionName
from muniment.v1 import catalog_pb2 as pb
from muniment_core.domain.access import Permission, Principal
from muniment_core.domain.errors import VersionNotFound


def may_read(principal: Principal, project: str) -> bool:
    """Whether the caller may read the catalog of a project."""
    return principal.holds(Permission.CATALOG_READ, project)


def readable_projects(principal: Principal) -> frozenset[str] | None:
    """The projects whose catalog the caller may read; None: all."""
    if principal.holds(Permission.CATALOG_READ, None):
        return None
    return frozenset(project for project in principal.roles if may_read(principal, project))


def check_readable(name: VersionName, principal: Principal) -> None:
    """Refuse a version of a project the caller may not read, as if it did not exist.

    Raises:
        VersionNotFound: if the caller may not read it.
    """
    if not may_read(principal, name.project):
        raise VersionNotFound(name.text)


def shown(version: pb.Version, principal: Principal) -> pb.Version:
    """The version as this caller may see it: parents it may not read keep their relation and lose their name."""
    for parent in version.parents:
        if not may_read(principal, VersionName.parse(parent.version).project):
            parent.version = ""
    return version
