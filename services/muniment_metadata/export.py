"""What is recorded of a version, gathered for a document in a format of the trade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from muniment.digests import Digest
from muniment.names import VersionName
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.access import Principal
from muniment_core.domain.catalog import VersionRecord, VersionState
from muniment_core.domain.errors import ManifestNotFound
from muniment_core.domain.lineage import HiddenNode, Lineage, VersionNode
from muniment_core.domain.manifest_files import listed_files

from muniment_metadata.cyclonedx import cyclonedx
from muniment_metadata.described import Described
from muniment_metadata.lineage import MAX_DEPTH, Direction, LineageQuery, get_lineage
from muniment_metadata.model_card import model_card
from muniment_metadata.versions import get_version
from muniment_metadata.visibility import may_read

MAX_ANCESTORS = 1_000


class ExportFormat(StrEnum):
    """A format a version can be written in."""

    CYCLONEDX = "CYCLONEDX"
    MODEL_CARD = "MODEL_CARD"


@dataclass(frozen=True, slots=True)
class Document:
    """A written version.

    Attributes:
        file_name: safe on every file system.
    """

    content: bytes
    media_type: str
    file_name: str


_WRITERS: Mapping[ExportFormat, tuple[Callable[[Described], str], str, str]] = {
    ExportFormat.CYCLONEDX: (cyclonedx, "application/vnd.cyclonedx+json; version=1.6", "cdx.json"),
    ExportFormat.MODEL_CARD: (model_card, "text/markdown; charset=utf-8", "md"),
}


def export_version(
    reader: Reader, name: VersionName, export_format: ExportFormat, *, principal: Principal
) -> Document:
    """A version as a document. The same record makes the same bytes, whenever it is asked for.

    Raises:
        VersionNotFound: if the version does not exist.
    """
    version = get_version(reader, name)
    query = LineageQuery(root=name, direction=Direction.UPSTREAM, depth=MAX_DEPTH, max_nodes=MAX_ANCESTORS)
    lineage = get_lineage(reader, name.project, query, principal=principal)
    write, media_type, ending = _WRITERS[export_format]
    text = write(_described(reader, version, lineage, principal))
    return Document(text.encode(), media_type, f"{name.model}-{name.number}.{ending}")


def _described(reader: Reader, version: VersionRecord, lineage: Lineage, principal: Principal) -> Described:
    project = reader.projects.require(version.name.project)
    try:
        files = listed_files(reader.artifacts.require_manifest(project.id, Digest(version.digest)).body)
    except ManifestNotFound:
        # The list of files of a tombstone may have been collected.
        if version.state is not VersionState.DELETED:
            raise
        files = ()
    parents = version.frozen.parents
    return Described(
        version=version,
        files=files,
        parents=tuple(parent for parent in parents if may_read(principal, parent.version.project)),
        ancestors=tuple(
            (node, distance)
            for node, distance in lineage.nodes
            if isinstance(node, VersionNode) and distance > 0
        ),
        hidden_ancestors=sum(isinstance(node, HiddenNode) for node, _ in lineage.nodes),
        more_ancestors=lineage.truncated,
    )
