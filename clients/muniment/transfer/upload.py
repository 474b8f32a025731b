"""From files to a durable manifest: hash, plan, send, commit. Any step may be repeated; none makes a version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from muniment.errors import ChunkMissing, DeadlineExceeded, FileChanged, Internal, LimitExceeded, Unavailable
from muniment.registry.session import Session
from muniment.transfer.chunking import MIB
from muniment.transfer.hashing import HashedFile, Hasher, Piece
from muniment.transfer.manifest import ListedFile, UntrueManifest, checked_files
from muniment.transfer.patience import Patience
from muniment.transfer.progress import ProgressOption, phase
from muniment.transfer.send import Outbox, Shipment, send_all
from muniment.transfer.source import SourceFile, find_files
from muniment.v1 import artifact_service_pb2 as pb

COMMIT_SECONDS = 60.0
COMMIT_BYTES_PER_SECOND = 10_000_000
"""A commit reads a file back when no chunk alone proves its digest; from a slow store it takes a while."""

SHIPMENT_BYTES = 8 * MIB
"""Sent by one stream, on one open file."""

_LIMITS = (
    "max_chunk_bytes",
    "max_frame_bytes",
    "max_files",
    "max_commit_chunks",
    "max_plan_chunks",
    "max_unacked_bytes",
)


class Upload:
    """Files on their way into a project (``projects/{project}``)."""

    def __init__(self, session: Session, project: str, path: Path) -> None:
        """Look at the files and ask the server for its limits; no file is read yet.

        Raises:
            SourceRefused, CannotRead, InvalidPath, LimitExceeded: if they cannot be pushed.
            MunimentError: as the server says.
        """
        self._session = session
        self._project = project
        self._path = path
        self._sources: list[SourceFile] = find_files(path)
        self._capabilities = _capabilities(session)
        limit = self._capabilities.max_files
        if len(self._sources) > limit:
            raise LimitExceeded(
                f"{path} holds {len(self._sources)} files, while a version has at most {limit}",
                "LIMIT_EXCEEDED",
                {"field": "files", "limit": str(limit), "value": str(len(self._sources))},
            )

    def run(self, progress: ProgressOption) -> str:
        """Make the files durable; answers with the digest of their manifest.

        Raises:
            FileChanged: if they change meanwhile.
            MunimentError: as the server says.
        """
        total = sum(source.size for source in self._sources)
        with phase(progress, "hash", total) as advance, ThreadPoolExecutor(1, "muniment-hash") as helper:
            hasher = Hasher(
                helper,
                max_chunk_bytes=self._capabilities.max_chunk_bytes,
                coarse=total // MIB > self._capabilities.max_commit_chunks // 2,
                progress=advance,
            )
            files = [hasher.hash(source) for source in self._sources]
        patience = Patience()
        while True:
            try:
                self._send_missing(files, progress, patience)
                self._check_unchanged()
                return self._commit(files)
            except ChunkMissing as error:
                # Swept away between plan and commit, as nothing refers to it yet: nothing to wait for.
                patience.spend(error, pause=False)
            except (Unavailable, DeadlineExceeded) as error:
                patience.spend(error)

    def _send_missing(
        self, files: Sequence[HashedFile], progress: ProgressOption, patience: Patience
    ) -> None:
        missing = self._plan(files)
        if not missing:
            return
        total = sum(missing.values())
        outbox = Outbox(_shipments(files, missing))
        with phase(progress, "push", total) as advance:
            try:
                send_all(
                    self._session, self._capabilities, self._project, outbox, total=total, progress=advance
                )
            finally:
                if outbox.durable:
                    patience.progressed()

    def _plan(self, files: Sequence[HashedFile]) -> dict[str, int]:
        """The chunks the project does not hold yet, with their sizes."""
        sizes = {piece.digest: piece.size for file in files for piece in file.pieces}
        wanted = [pb.Chunk(digest=digest, size=size) for digest, size in sizes.items()]
        page = self._capabilities.max_plan_chunks
        missing: dict[str, int] = {}
        for start in range(0, len(wanted), page):
            request = pb.PlanUploadRequest(parent=self._project, chunks=wanted[start : start + page])
            for digest in self._session.calls.unary(self._session.artifacts.PlanUpload, request).missing:
                if digest not in sizes:
                    raise Internal(f"the registry asks for chunk {digest[:100]}, which was not offered")
                missing[digest] = sizes[digest]
        return missing

    def _check_unchanged(self) -> None:
        """Each file is checked while it is read; this is for what happened around that."""
        for source in self._sources:
            source.check()
        before, now = ({source.path for source in some} for some in (self._sources, find_files(self._path)))
        if before != now:
            changed = min(before ^ now)
            raise FileChanged(
                f"{self._path} {'gained' if changed in now else 'lost'} {changed!r} while it was pushed"
            )

    def _commit(self, files: Sequence[HashedFile]) -> str:
        size = sum(source.size for source in self._sources)
        manifest: pb.Manifest = self._session.calls.unary(
            self._session.artifacts.CommitUpload,
            pb.CommitUploadRequest(parent=self._project, files=map(_entry, files)),
            timeout=self._session.calls.timeout + COMMIT_SECONDS + size / COMMIT_BYTES_PER_SECOND,
        )
        sent = {ListedFile(file.source.path, file.digest, file.source.size) for file in files}
        try:
            if set(checked_files(manifest, manifest.digest)) != sent:
                raise UntrueManifest("it does not hold the files that were sent")
        except UntrueManifest as error:
            raise Internal(f"the registry committed another manifest than asked for: {error}") from error
        return manifest.digest


def _capabilities(session: Session) -> pb.Capabilities:
    found: pb.Capabilities = session.calls.unary(
        session.artifacts.GetCapabilities, pb.GetCapabilitiesRequest()
    )
    for limit in _LIMITS:
        if getattr(found, limit) < 1:
            raise Internal(f"the registry says that {limit} is {getattr(found, limit)}")
    return found


def _shipments(files: Sequence[HashedFile], missing: dict[str, int]) -> Iterator[Shipment]:
    """Each missing chunk once, file by file, in parts that several streams can share."""
    left = set(missing)
    for file in files:
        pieces: list[Piece] = []
        for piece in file.pieces:
            if piece.digest in left:
                left.discard(piece.digest)
                pieces.append(piece)
                if sum(piece.size for piece in pieces) >= SHIPMENT_BYTES:
                    yield Shipment(file.source, tuple(pieces))
                    pieces = []
        if pieces:
            yield Shipment(file.source, tuple(pieces))


def _entry(file: HashedFile) -> pb.FileEntry:
    chunks = [pb.Chunk(digest=piece.digest, size=piece.size) for piece in file.pieces]
    return pb.FileEntry(
        path=file.source.path,
        digest=file.digest,
        size=file.source.size,
        chunks=chunks,
        chunking=file.chunking if chunks else "",
    )
