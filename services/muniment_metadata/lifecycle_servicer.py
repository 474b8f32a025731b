"""The methods of MetadataService that move a version from state to state."""

from __future__ import annotations

from typing import Any

from muniment.names import VersionName
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment_core.domain.limits import MAX_REASON
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.convert import parse, text
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.peers import ArtifactPeer

from muniment_metadata import lifecycle, versions
from muniment_metadata.convert import version_message
from muniment_metadata.visibility import shown

Context = Any


class LifecycleMethods:
    """What the catalog's servicer takes over as it is."""

    _execution: Execution
    _artifacts: ArtifactPeer

    async def ArchiveVersion(
        self, request: pb.ArchiveVersionRequest, context: Context
    ) -> catalog_pb2.Version:
        version = parse("name", VersionName.parse, request.name)
        reason = text("reason", request.reason, MAX_REASON)
        archived = await self._execution.mutate(
            request,
            lambda unit: lifecycle.archive_version(unit, version, etag=request.etag, reason=reason),
            version_message,
            catalog_pb2.Version,
        )
        return shown(archived, current_principal.get())

    async def RestoreVersion(
        self, request: pb.RestoreVersionRequest, context: Context
    ) -> catalog_pb2.Version:
        version = parse("name", VersionName.parse, request.name)
        reason = text("reason", request.reason, MAX_REASON)
        found = await self._execution.remembered(
            request,
            catalog_pb2.Version,
            lambda reader: lifecycle.check_restoring(reader, version, etag=request.etag),
        )
        if isinstance(found, catalog_pb2.Version):
            return shown(found, current_principal.get())
        # The bytes are brought back and read before the transaction, which must be short.
        await self._artifacts.restore(version.project, found.digest, seconds=context.time_remaining())
        restored = await self._execution.mutate(
            request,
            lambda unit: lifecycle.restore_version(unit, version, etag=request.etag, reason=reason),
            version_message,
            catalog_pb2.Version,
        )
        return shown(restored, current_principal.get())

    async def DeleteVersion(self, request: pb.DeleteVersionRequest, context: Context) -> catalog_pb2.Version:
        version, principal = parse("name", VersionName.parse, request.name), current_principal.get()
        deleted = await self._execution.mutate(
            request,
            lambda unit: versions.delete_version(unit, version, etag=request.etag, principal=principal),
            version_message,
            catalog_pb2.Version,
        )
        return shown(deleted, principal)
