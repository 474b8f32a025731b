"""Questions across versions: what differs, where from, what came of it; and versions as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from muniment.errors import InvalidArgument
from muniment.registry.session import Session, sendable
from muniment.registry.versions import resource_name
from muniment.v1 import lineage_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Comparison, Document, Lineage, Version
from muniment.values.document import ExportFormat
from muniment.values.lineage import Direction

T = TypeVar("T")

_FORMATS: dict[str, pb.ExportFormat] = {
    "cyclonedx": pb.EXPORT_FORMAT_CYCLONEDX,
    "card": pb.EXPORT_FORMAT_MODEL_CARD,
}
_DIRECTIONS: dict[str, lineage_pb2.LineageDirection] = {
    "upstream": lineage_pb2.LINEAGE_DIRECTION_UPSTREAM,
    "downstream": lineage_pb2.LINEAGE_DIRECTION_DOWNSTREAM,
    "both": lineage_pb2.LINEAGE_DIRECTION_BOTH,
}


class Inquiries:
    """The verbs that ask about versions together."""

    _session: Session

    def diff(self, a: Version | str, b: Version | str, *, include_equal: bool = False) -> Comparison:
        """What differs between two versions: parameters, metrics, data sets, code, packages, files and more.

        Args:
            a: a version or a selector, the left side; the two may be of different models and projects.
            b: the right side.
            include_equal: also tell what is equal.
        """
        session = self._session
        request = pb.CompareVersionsRequest(
            parent=session.project.text,
            version_a=resource_name(session, a).text,
            version_b=resource_name(session, b).text,
            include_equal=include_equal,
        )
        return Comparison.of(session.calls.unary(session.metadata.CompareVersions, request))

    def lineage(
        self,
        version: Version | str | None = None,
        *,
        dataset: str = "",
        dataset_version: str = "",
        digest: str = "",
        commit: str = "",
        repository: str = "",
        direction: Direction | None = None,
        depth: int = 0,
        max_nodes: int = 0,
    ) -> Lineage:
        """Where a version came from and what came of it; or which versions a data set or a commit made.

        Give one root: a version (or selector); a data set by ``dataset`` (its name, with ``dataset_version`` if
        you like) or by ``digest`` or by both; or code by ``commit``, if you like with ``repository``. The graph
        reaches into every project this connection's token may read.

        Args:
            direction: ``upstream``: what it was made from; ``downstream``: what was made from it. By default
                upstream from a version, downstream from a data set or commit.
            depth: how many edges to follow, at most 100; 0: 10.
            max_nodes: how many nodes at most, up to 5,000; 0: 500.

        Raises:
            InvalidArgument: if there is no root, or more than one.
        """
        session = self._session
        of_dataset, of_code = bool(dataset or dataset_version or digest), bool(commit or repository)
        if (version is not None) + of_dataset + of_code != 1:
            raise InvalidArgument("lineage begins at one thing: give a version, a data set or a commit")
        request = pb.GetLineageRequest(
            parent=session.project.text,
            direction=_one_of(_DIRECTIONS, "direction", direction) if direction else None,
        )
        with sendable("depth or max_nodes"):
            request.depth, request.max_nodes = depth, max_nodes
        if version is not None:
            request.version = resource_name(session, version).text
        elif of_dataset:
            request.dataset.CopyFrom(pb.DatasetRoot(name=dataset, version=dataset_version, digest=digest))
        else:
            request.code.CopyFrom(pb.CodeRoot(repository=repository, commit=commit))
        return Lineage.of(session.calls.unary(session.metadata.GetLineage, request))

    def export(self, version: Version | str, *, format: ExportFormat) -> Document:
        """A version as a document.

        Args:
            version: a version or a selector.
            format: ``cyclonedx``: a machine-learning bill of materials, CycloneDX 1.6 in JSON; ``card``: a model
                card in Markdown with a YAML head.

        Raises:
            InvalidArgument: if the format is another word.
        """
        session = self._session
        request = pb.ExportVersionRequest(
            name=resource_name(session, version).text, format=_one_of(_FORMATS, "format", format)
        )
        return Document.of(session.calls.unary(session.metadata.ExportVersion, request))


def _one_of(values: Mapping[str, T], what: str, word: str) -> T:
    if word not in values:
        raise InvalidArgument(f"{what} {word!r} is not one of {', '.join(values)}")
    return values[word]
