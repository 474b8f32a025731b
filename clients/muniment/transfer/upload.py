"""From files to a durable manifest: hash, plan, send, commit. Any step may be repeated; none makes a version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from muniment.errors import ChunkMissing, DeadlineExceeded, FileChanged, Internal, LimitExceeded, Unavailable
from muniment.manifest import ListedFile, UntrueManifest, checked_files
from muniment.registry.session import Session
from muniment.transfer.chunking import MIB
from muniment.transfer.delivery import Delivery
from muniment.transfer.hashing import Hasher
from muniment.transfer.memo import DigestMemo
from muniment.transfer.patience import Patience
from muniment.transfer.pieces import HashedFile
from muniment.transfer.progress import ProgressOption, phase
from muniment.transfer.slabs import MOST_SLABS, SLAB_BYTES
from muniment.transfer.source import SourceFile, find_files
from muniment.v1 import artifact_service_pb2 as pb

COMMIT_SECONDS = 60.0
COMMIT_BYTES_PER_SECOND = 10_000_000
"""A commit reads a file back when no chunk alone proves its digest; from a slow store it takes a while."""

_CEILINGS = {
    "max_chunk_bytes": SLAB_BYTES,
    "max_frame_bytes": MIB,
    "max_files": 1_000_000,
    "max_commit_chunks": 1_000_000,
    "max_plan_chunks": 20_000,
    "max_unacked_bytes": 64 * MIB,
}
"""Limits of a registry that allow more than this mean this: what a push takes of memory is not for them to say."""


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
        self._last_large = max(
            (index for index, source in enumerate(self._sources) if source.size > SLAB_BYTES * MOST_SLABS),
            default=0,
        )
        self._capabilities = _capabilities(session)
        size = sum(source.size for source in self._sources)
        self._coarse = size // MIB > self._capabilities.max_commit_chunks // 2
        self._memo = DigestMemo(
            session.cache.settings.directory if session.cache is not None else None,
            path,
            f"{self._capabilities.max_chunk_bytes} {self._coarse}",
        )
        limit = self._capabilities.max_files
        if len(self._sources) > limit:
            raise LimitExceeded(
                f"{path} holds {len(self._sources)} files, while a version has at most {limit}",
                "LIMIT_EXCEEDED",
                {"field": "files", "limit": str(limit), "value": str(len(self._sources))},
            )

    def run(self, progress: ProgressOption, *, read: Callable[[], None] = lambda: None) -> str:
        """Make the files durable; answers with the digest of their manifest.

        Args:
            progress: how to tell of it.
            read: called when all files were read, and the last of them travel.

        Raises:
            FileChanged: if they change meanwhile.
            MunimentError: as the server says.
        """
        try:
            return self._run(progress, read)
        except FileChanged:
            self._memo.forget()
            raise

    def _run(self, progress: ProgressOption, read: Callable[[], None]) -> str:
        patience = Patience()
        files: list[HashedFile] | None = None
        durable: frozenset[str] = frozenset()
        while True:
            delivery = Delivery(self._session, self._capabilities, self._project, self._sources)
            try:
                if files is None:
                    files = self._hash_and_send(delivery, progress, read)
                else:
                    with delivery.running(progress):
                        for file in files:
                            delivery.offer(file.source, file.pieces)
                delivery.check()
                self._check_unchanged()
                return self._commit(files)
            except ChunkMissing as error:
                # Swept away between plan and commit, as nothing refers to it yet: nothing to wait for.
                patience.spend(error, pause=False)
            except (Unavailable, DeadlineExceeded) as error:
                # A chunk that has to be sent again and again is no progress.
                if not delivery.durable <= durable:
                    patience.progressed()
                durable |= delivery.durable
                patience.spend(error)

    def _hash_and_send(
        self, delivery: Delivery, progress: ProgressOption, read: Callable[[], None]
    ) -> list[HashedFile]:
        """Hash all files, and send what is known meanwhile."""
        total = sum(source.size for source in self._sources)
        with (
            delivery.running(progress),
            phase(progress, "hash", total, delivery.telling) as advance,
            ThreadPoolExecutor(1, "muniment-hash") as helper,
        ):
            hasher = Hasher(
                helper,
                self._memo,
                slabs=delivery.slabs,
                max_chunk_bytes=self._capabilities.max_chunk_bytes,
                coarse=self._coarse,
                progress=advance,
            )
            files: list[HashedFile] = []
            try:
                for index, source in enumerate(self._sources):
                    # A file goes out on one stream: the next large one is found while that one is busy.
                    delivery.slabs.is_patient = index >= self._last_large
                    files.append(hasher.hash(source, partial(delivery.offer, source)))
                delivery.offered_all()
            finally:
                self._memo.save(is_all=len(files) == len(self._sources))
            read()
        return files

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
    for limit, ceiling in _CEILINGS.items():
        told = getattr(found, limit)
        if told < 1:
            raise Internal(f"the registry says that {limit} is {told}")
        setattr(found, limit, min(told, ceiling))
    return found


def _entry(file: HashedFile) -> pb.FileEntry:
    chunks = [pb.Chunk(digest=piece.digest, size=piece.size) for piece in file.pieces]
    return pb.FileEntry(
        path=file.source.path,
        digest=file.digest,
        size=file.source.size,
        chunks=chunks,
        chunking=file.chunking if chunks else "",
    )
