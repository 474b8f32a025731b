"""Reading a version without fetching it, and finding one without asking."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.registry.resolving import resolve
from muniment.registry.session import Session, built
from muniment.transfer.lazy import OpenVersion
from muniment.transfer.pull import get_manifest, open_version
from muniment.v1 import artifact_service_pb2 as pb
from muniment.values import Version
from muniment.values.tensors import StoredTensor

TENSORS_PAGE = 1_000
SAFETENSORS = ".safetensors"


class LazyReads:
    """The verbs that find and open a version."""

    _session: Session

    def resolve(self, selector: str) -> Version:
        """The version a selector means, told shortly: as :meth:`show`, with no registry needed for
        ``model@sha256:…`` of a version that was pulled from this registry before.

        Raises:
            Unreachable: if nobody answers, and the version was never pulled.
        """
        return resolve(self._session, selector)

    def open(self, version: Version | str) -> OpenVersion:
        """A version whose files and tensors are read one by one::

            bias = registry.open("churn@production").tensor("layer.0.bias")

        Args:
            version: a version or a selector; what is read stays that version, whatever moves meanwhile.

        Raises:
            DownloadRefused: if the manifest that came is not what the version's digest stands for.
        """
        found = version if isinstance(version, Version) else self.resolve(version)
        return open_version(self._session, found)

    def tensors(self, version: Version | str, path: str | None = None) -> Iterator[StoredTensor]:
        """The tensors of a version, file by file in the order of their bytes, as the registry reads the headers.

        Args:
            path: of the one file to look into; by default all that are called ``*.safetensors``.

        Raises:
            FileNotFound: if there is no such file.
            HeaderInvalid: if it is not one of safetensors, or its header lies.
        """
        found = version if isinstance(version, Version) else self.resolve(version)
        return list_tensors(self._session, found, path)


def list_tensors(session: Session, version: Version, path: str | None) -> Iterator[StoredTensor]:
    """See :meth:`LazyReads.tensors`."""
    _, files = get_manifest(session, version)
    paths = [file.path for file in files if file.path.endswith(SAFETENSORS)] if path is None else [path]
    for wanted in paths:
        request = built(
            pb.ListTensorsRequest,
            parent=f"projects/{version.version_name.project}",
            digest=version.digest,
            path=wanted,
            page_size=TENSORS_PAGE,
        )
        for message in session.calls.pages(session.artifacts.ListTensors, request, "tensors"):
            yield StoredTensor.of(message)
