"""From chunks that become known to chunks that are durable, while further ones are still being hashed.

One thread asks the registry which of them it lacks, slice by slice, and others send those.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from muniment.errors import DeadlineExceeded, Internal, MunimentError, Unavailable
from muniment.registry.session import Session
from muniment.transfer.outbox import Outbox
from muniment.transfer.pieces import Load, Offer, Piece
from muniment.transfer.progress import Progress, ProgressOption, phase
from muniment.transfer.send import ChunkSender
from muniment.transfer.slabs import Region, Slabs
from muniment.transfer.source import SourceFile
from muniment.transport.data import lanes
from muniment.v1 import artifact_service_pb2 as pb


class Delivery:
    """One attempt to send what a project lacks of some files."""

    def __init__(
        self, session: Session, capabilities: pb.Capabilities, project: str, sources: Sequence[SourceFile]
    ) -> None:
        self._session = session
        self._capabilities = capabilities
        self._project = project
        self._sources = sources
        self._outbox = Outbox()
        self._senders: list[ChunkSender] = []
        # Of chunks that were asked about: those that are there or were dealt out are not sent again.
        self._asked: set[str] = set()
        self.slabs = Slabs()
        self.telling = threading.Lock()

    @property
    def durable(self) -> frozenset[str]:
        """Digests of the chunks that the server has acknowledged."""
        return self._outbox.durable

    @contextmanager
    def running(self, progress: ProgressOption) -> Iterator[None]:
        """Send what is offered in the block; at its end all of it is durable, or :meth:`check` says why not."""
        total = sum(source.size for source in self._sources)
        with (
            phase(progress, "push", 0, self.telling) as advance,
            lanes(self._session, total, at_most=len(self._sources)) as stubs,
        ):
            self._senders = [
                ChunkSender(
                    self._session, open_stub, self._capabilities, self._project, self._outbox, advance
                )
                for open_stub in stubs
            ]
            threads = [
                threading.Thread(target=self._run_sender, args=(sender,), name="muniment-push", daemon=True)
                for sender in self._senders
            ]
            planner = threading.Thread(
                target=self._run_planner, args=(advance,), name="muniment-plan", daemon=True
            )
            for thread in (planner, *threads):
                thread.start()
            try:
                yield
                self.offered_all()
                for thread in threads:
                    thread.join()
            except BaseException as error:
                self._fail(error)
                raise
            finally:
                # The planner may still be waiting for an answer; nobody has a use for that any more.
                self.offered_all()
                for thread in threads:
                    thread.join()
                self.slabs.close()

    def offer(self, source: SourceFile, pieces: Sequence[Piece], region: Region | None = None) -> None:
        """Chunks that may have to be sent. Those of a file follow each other.

        Args:
            source: their file.
            pieces: which.
            region: their bytes, one chunk after the other, when they are in memory.

        Raises:
            MunimentError: if sending has failed for a reason that will not pass.
        """
        if self._outbox.failure is not None:
            if not isinstance(self._outbox.failure, Unavailable | DeadlineExceeded):
                self.check()
            # Files are hashed to their end all the same, and sent in the next attempt.
            return
        if region is not None:
            region.share(len(pieces))
        self._outbox.offer(Offer(source, pieces, region))

    def offered_all(self) -> None:
        """Nothing more will be offered. Saying it twice is fine."""
        self._outbox.offered_all()

    def check(self) -> None:
        """Raise what kept anything from becoming durable."""
        if self._outbox.failure is not None:
            raise self._outbox.failure

    def _fail(self, failure: BaseException) -> None:
        self._outbox.fail(failure)
        self.slabs.abandon()
        for sender in self._senders:
            sender.stop()

    def _run_sender(self, sender: ChunkSender) -> None:
        try:
            sender.run()
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, MunimentError):
                raise

    def _run_planner(self, progress: Progress) -> None:
        try:
            while self._outbox.failure is None and (offers := self._outbox.next_slice()):
                self._deal(offers, progress)
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, MunimentError):
                raise
        finally:
            self._outbox.complete()

    def _deal(self, offers: Sequence[Offer], progress: Progress) -> None:
        sizes = {
            piece.digest: piece.size
            for offer in offers
            for piece in offer.pieces
            if piece.digest not in self._asked
        }
        self._asked.update(sizes)
        missing = self._missing(sizes)
        dealt: list[tuple[SourceFile, list[Load]]] = []
        for offer in offers:
            wanted: list[Load] = []
            for load in offer.loads():
                if load.piece.digest in missing:
                    missing.discard(load.piece.digest)
                    wanted.append(load)
                else:
                    load.close()
            if wanted:
                progress.expect(sum(load.piece.size for load in wanted))
                dealt.append((offer.source, wanted))
        self._outbox.put(dealt)

    def _missing(self, sizes: dict[str, int]) -> set[str]:
        """Those of the chunks that the project does not hold yet."""
        wanted = [pb.Chunk(digest=digest, size=size) for digest, size in sizes.items()]
        page = self._capabilities.max_plan_chunks
        missing: set[str] = set()
        for start in range(0, len(wanted), page):
            request = pb.PlanUploadRequest(parent=self._project, chunks=wanted[start : start + page])
            for digest in self._session.calls.unary(self._session.artifacts.PlanUpload, request).missing:
                if digest not in sizes:
                    raise Internal(f"the registry asks for chunk {digest[:100]}, which was not offered")
                missing.add(digest)
        return missing
