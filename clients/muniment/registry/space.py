"""The verbs about space, which the client class takes over as they are."""

from __future__ import annotations

from typing import Literal

from muniment.registry.session import Session, built, new_request_id
from muniment.registry.versions import resource_name
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import metadata_service_pb2
from muniment.values import Usage, Version

RESTORE_TIMEOUT = 3600.0
"""Unless another timeout was chosen: before a version is READY again, the registry reads all its bytes twice."""


class Space:
    """What a registry can be asked about space, and told to save it."""

    _session: Session

    def usage(self, of: Version | str = "") -> Usage:
        """How much space a version takes, or all versions of a model, or of the project.

        Args:
            of: a version or selector with ``@``; a model; empty: the project.
        """
        if not of:
            name = self._session.project.text
        elif isinstance(of, Version) or (isinstance(of, str) and "@" in of):
            name = resource_name(self._session, of).text
        else:
            name = self._session.model(of).text
        calls, stub = self._session.calls, self._session.artifacts
        return Usage.of(calls.unary(stub.GetUsage, pb.GetUsageRequest(name=name)))

    def archive(self, version: Version | str, *, reason: str = "", etag: str = "") -> Version:
        """Say that a version is not needed at hand any more; its record, digests and history stay.

        It is promoted no more until it is restored. Its bytes move to the cold tier, or are given up, when the
        registry collects next after its grace period, see :meth:`archived_bytes`; until then it can be pulled.

        Args:
            version: a version or a selector.
            reason: kept in the ledger.
            etag: guards the change.

        Raises:
            InUse: if it is current in a stage.
            VersionNotReady: if it is archived already, or was deleted.
        """
        request = built(
            metadata_service_pb2.ArchiveVersionRequest,
            name=resource_name(self._session, version).text,
            reason=reason,
            etag=etag,
            request_id=new_request_id(),
        )
        return Version.of(self._session.calls.unary(self._session.metadata.ArchiveVersion, request))

    def restore(self, version: Version | str, *, reason: str = "", etag: str = "") -> Version:
        """Bring the bytes of an archived version back, have every one of them read, and make it READY.

        Args:
            version: a version or a selector.
            reason: kept in the ledger.
            etag: guards the change.

        Raises:
            VersionNotArchived: if there is nothing to restore.
            BytesArchived: if its bytes were given up: push the same files, and restore it then.
            BytesDamaged: if some of them are gone or wrong: the same.
        """
        request = built(
            metadata_service_pb2.RestoreVersionRequest,
            name=resource_name(self._session, version).text,
            reason=reason,
            etag=etag,
            request_id=new_request_id(),
        )
        calls = self._session.calls
        timeout = calls.patience(RESTORE_TIMEOUT)
        return Version.of(calls.unary(self._session.metadata.RestoreVersion, request, timeout=timeout))

    def archived_bytes(self) -> Literal["COLD", "DROPPED"]:
        """What becomes of the bytes of archived versions: they move to the cold tier, or are given up."""
        calls, stub = self._session.calls, self._session.artifacts
        told = calls.unary(stub.GetCapabilities, pb.GetCapabilitiesRequest())
        return "DROPPED" if told.archived_bytes == pb.ARCHIVED_BYTES_DROPPED else "COLD"
