"""The methods of ArtifactService. Each one converts, calls its use case and fills the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
from muniment.frames import PutFrame, RangeFrame, decode_put, encode_range
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import artifact_service_pb2_grpc as pb_grpc
from muniment.v1 import inspection_pb2
from muniment_core.domain.errors import FileNotFound, InvalidField
from muniment_core.rpc import convert as shared
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens, page_of, page_size
from muniment_core.rpc.shape import bounded
from muniment_core.rpc.stall import STALL_SECONDS

from muniment_artifact import convert, convert_inspection
from muniment_artifact.ahead import ReadAhead
from muniment_artifact.blobs import BlobStore
from muniment_artifact.chunk_maps import ChunkMaps
from muniment_artifact.commit import commit_upload
from muniment_artifact.damage import Reading, damage_noted
from muniment_artifact.direct import Addresses, direct_reads
from muniment_artifact.inspections import Inspections
from muniment_artifact.limits import Limits
from muniment_artifact.plan import plan_upload
from muniment_artifact.pool import frames_from
from muniment_artifact.put import ChunkStream, find_intake
from muniment_artifact.read import get_known_files, get_readable_files, place_ranges, read_ranges
from muniment_artifact.restore import restore_manifest
from muniment_artifact.streams import WAIT_SECONDS, ByteStreams
from muniment_artifact.tensors.index import TensorIndexes
from muniment_artifact.usage import measured, usage_of
from muniment_artifact.verify import verify_files

RESTORES_AT_ONCE = 2
"""Others wait: each keeps several threads busy, most of which are for those who read and write."""

_SERVICE = pb.DESCRIPTOR.services_by_name["ArtifactService"].full_name


class ArtifactServicer(pb_grpc.ArtifactServiceServicer):
    """Moves and keeps bytes."""

    def __init__(
        self,
        execution: Execution,
        blobs: BlobStore,
        limits: Limits,
        page_tokens: PageTokens,
        *,
        cold: BlobStore,
        drop_archived: bool = False,
        inspections: Inspections | None = None,
        ahead: ReadAhead | None = None,
        addresses: Addresses | None = None,
        stall_seconds: float = STALL_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._execution = execution
        self._blobs = blobs
        self._cold = cold
        self._drop_archived = drop_archived
        self.limits = limits
        self._inspections = inspections or Inspections(execution, blobs)
        self._page_tokens = page_tokens
        self._ahead = ahead
        self._addresses = addresses
        self._chunk_maps = ChunkMaps()
        self._tensors = TensorIndexes(execution, blobs)
        patience = {"stall_seconds": stall_seconds, "wait_seconds": wait_seconds}
        self._restores = asyncio.Semaphore(RESTORES_AT_ONCE)
        self._reads = ByteStreams(limits.max_read_streams, **patience)
        self._puts = ByteStreams(limits.max_put_streams, **patience)

    async def GetCapabilities(self, request: pb.GetCapabilitiesRequest, context: Any) -> pb.Capabilities:
        """Tell limits and features."""
        return convert.capabilities(
            self.limits, direct_reads=self._addresses is not None, drop_archived=self._drop_archived
        )

    async def PlanUpload(self, request: pb.PlanUploadRequest, context: Any) -> pb.PlanUploadResponse:
        """Tell which chunks the project does not hold yet."""
        project, chunks = convert.project(request.parent), convert.chunks("chunks", request.chunks)
        missing = await plan_upload(self._execution, project, chunks, limits=self.limits)
        return pb.PlanUploadResponse(missing=[digest.text for digest in missing])

    async def PutChunks(
        self, request_iterator: AsyncIterator[PutFrame], context: Any
    ) -> AsyncIterator[pb.PutChunksResponse]:
        """Store chunks and acknowledge each when it is durable."""
        requests = aiter(request_iterator)
        first = await anext(requests, None)
        if first is None:
            raise InvalidField("parent", "is required, while the stream ended without a message")
        stream = ChunkStream(
            self._execution,
            self._blobs,
            self.limits,
            into=await self._execution.read(partial(find_intake, project=convert.project(first.parent))),
        )
        async with (
            self._puts.admitted(context) as reader,
            aclosing(stream.receive(convert.frames(first, requests))) as chunks,
        ):
            async for chunk in chunks:
                with reader.taking():
                    yield pb.PutChunksResponse(digest=chunk.digest.text, size=chunk.size)

    async def CommitUpload(self, request: pb.CommitUploadRequest, context: Any) -> pb.Manifest:
        """Make a manifest durable."""
        # Hundreds of thousands of chunks are turned into values and back: not on the event loop.
        project = convert.project(request.parent)
        files = await self._execution.io(partial(convert.files, request.files))
        kept = await commit_upload(
            self._execution, self._blobs, self.limits, project=project, files=files, ahead=self._ahead
        )
        return await self._execution.io(partial(convert.manifest_message, kept.record, kept.files))

    async def GetManifest(self, request: pb.GetManifestRequest, context: Any) -> pb.Manifest:
        """Read a manifest and its chunk map."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        record, files = await get_known_files(
            self._execution, self._blobs, self._chunk_maps, project=project, digest=digest
        )
        return await self._execution.io(partial(convert.manifest_message, record, files))

    async def ReadRanges(self, request: pb.ReadRangesRequest, context: Any) -> AsyncIterator[RangeFrame]:
        """Read ranges of the files of a manifest, or of tensors in them."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        _, files = await get_readable_files(
            self._execution, self._blobs, self._chunk_maps, project=project, digest=digest
        )
        wanted = await self._tensors.in_bytes(digest, files, convert.ranges(request.ranges), self.limits)
        ranges = place_ranges(digest, files, wanted, limits=self.limits)
        async with (
            self._reads.admitted(context) as reader,
            damage_noted(self._execution, Reading(project, digest)),
            aclosing(
                frames_from(self._execution, read_ranges(self._blobs, ranges, ahead=self._ahead))
            ) as frames,
        ):
            async for frame in frames:
                with reader.taking():
                    yield frame

    async def GetDirectReads(
        self, request: pb.GetDirectReadsRequest, context: Any
    ) -> pb.GetDirectReadsResponse:
        """Give addresses at which chunks are got from the store itself."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        reads, until = await direct_reads(
            self._execution,
            self._blobs,
            self._addresses,
            self._chunk_maps,
            project=project,
            digest=digest,
            chunks=[shared.digest(f"chunks[{index}]", chunk) for index, chunk in enumerate(request.chunks)],
        )
        return convert.direct_reads_message(reads, until)

    async def ListTensors(self, request: pb.ListTensorsRequest, context: Any) -> pb.ListTensorsResponse:
        """Tell the tensors of a file."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        limit, after = page_size(request), self._page_tokens.position(request)
        _, files = await get_readable_files(
            self._execution, self._blobs, self._chunk_maps, project=project, digest=digest
        )
        file = next((file for file in files if file.path == request.path), None)
        if file is None:
            raise FileNotFound(request.path, digest.text)
        start = after or 0
        found = list(enumerate((await self._tensors.of(file)).tensors, 1))[start : start + limit + 1]
        messages, position = page_of(
            found, limit, lambda one: convert.tensor_message(file.path, one[1]), lambda one: one[0]
        )
        return pb.ListTensorsResponse(
            tensors=messages, next_page_token=self._page_tokens.next(request, position)
        )

    async def VerifyManifest(
        self, request: pb.VerifyManifestRequest, context: Any
    ) -> pb.VerifyManifestResponse:
        """Read every chunk of a manifest and compare its digest."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        record, files = await get_readable_files(self._execution, self._blobs, project=project, digest=digest)
        chunks = await verify_files(self._execution, self._blobs, record, files, project=project)
        return pb.VerifyManifestResponse(
            chunk_count=len(chunks), byte_count=sum(chunk.size for chunk in chunks)
        )

    async def RestoreManifest(
        self, request: pb.RestoreManifestRequest, context: Any
    ) -> pb.RestoreManifestResponse:
        """Bring the chunks of a manifest back from the cold tier."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        async with self._restores:
            restored = await restore_manifest(
                self._execution, self._blobs, self._cold, project=project, digest=digest
            )
        return pb.RestoreManifestResponse(
            chunk_count=len(restored.chunks),
            byte_count=sum(chunk.size for chunk in restored.chunks),
            copied_bytes=restored.copied_bytes,
        )

    async def InspectManifest(
        self, request: pb.InspectManifestRequest, context: Any
    ) -> inspection_pb2.Inspection:
        """Tell what the files of a manifest are."""
        project, digest = convert.project(request.parent), shared.digest("digest", request.digest)
        found = await self._inspections.of_manifest(project, digest, again=request.again)
        return await self._execution.io(partial(convert_inspection.inspection_message, found))

    async def GetUsage(self, request: pb.GetUsageRequest, context: Any) -> pb.Usage:
        """Tell how much space something takes."""
        name = measured(request.name)
        found = await self._execution.query(partial(usage_of, name=name))
        return convert.usage_message(name.text, found)

    def close(self) -> None:
        """End what would go on without a caller."""
        self._inspections.close()
        if self._ahead is not None:
            self._ahead.close()


def add_to_server(servicer: ArtifactServicer, server: grpc.aio.Server) -> None:
    """Serve the methods; those that carry bytes with a codec of their own, see :mod:`muniment.frames`."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "PutChunks": grpc.stream_stream_rpc_method_handler(
            servicer.PutChunks, decode_put, pb.PutChunksResponse.SerializeToString
        ),
        "ReadRanges": grpc.unary_stream_rpc_method_handler(
            servicer.ReadRanges, bounded(pb.ReadRangesRequest, 2 * servicer.limits.max_ranges), encode_range
        ),
        "PlanUpload": grpc.unary_unary_rpc_method_handler(
            servicer.PlanUpload,
            bounded(pb.PlanUploadRequest, 2 * servicer.limits.max_plan_chunks),
            pb.PlanUploadResponse.SerializeToString,
        ),
        "CommitUpload": grpc.unary_unary_rpc_method_handler(
            servicer.CommitUpload,
            # Of a file also how it is called, what it is, and how it was cut.
            bounded(
                pb.CommitUploadRequest,
                2 * servicer.limits.max_commit_chunks + 8 * servicer.limits.max_files,
                inside=pb.CommitUploadRequest.FILES_FIELD_NUMBER,
            ),
            pb.Manifest.SerializeToString,
        ),
    }
    # The first handler that knows a method serves it.
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    pb_grpc.add_ArtifactServiceServicer_to_server(servicer, server)
