"""Having the files of a manifest looked into, once for each content, project and ruleset.

Nothing is looked into before somebody asks: whoever judges by a verdict (a person, a gate) asks, and gets the
answer with the same call. What was found is kept; a call that is given up leaves what it began to be finished and
kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import ManifestRecord
from muniment_core.db.inspection_store import InspectionRow
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import BytesDamaged, DomainError, ShuttingDown, StorageUnavailable
from muniment_core.domain.manifest_files import ListedFile, listed_files
from muniment_core.rpc.execution import Execution

from muniment_artifact.blobs import BlobStore
from muniment_artifact.damage import damage_noted
from muniment_artifact.inspection.names import as_named
from muniment_artifact.inspection.report import FileReport, Verdict
from muniment_artifact.inspection.ruleset import ruleset
from muniment_artifact.inspection.runner import FileBytes, Worker, WorkerEnded, WorkerLimits
from muniment_artifact.manifest import FileEntry
from muniment_artifact.pool import spawn
from muniment_artifact.read import files_of, find_manifest, require_at_hand

WORKERS_AT_ONCE = 2
"""Files that are looked into at the same time, each by a process that may use a gigabyte."""
CALLS_AT_ONCE = 16
"""Manifests that take turns, file by file, so that one with slow files does not keep the others waiting."""
NOTED_FILES = 32
"""After so many what was found is kept, so that a repeated call goes on from there."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """A file of a manifest, and what its bytes are."""

    file: ListedFile
    report: FileReport
    inspect_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedManifest:
    """The files of a manifest, ordered by path."""

    record: ManifestRecord
    files: tuple[InspectedFile, ...]
    ruleset: str


class Inspections:
    """Looks into manifests, and remembers."""

    def __init__(self, execution: Execution, blobs: BlobStore, *, limits: WorkerLimits | None = None) -> None:
        self._execution = execution
        self._blobs = blobs
        self._limits = limits or WorkerLimits()
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._turns = asyncio.Semaphore(WORKERS_AT_ONCE)
        self._running: dict[tuple[str, Digest], asyncio.Task[dict[str, InspectionRow]]] = {}
        self._workers: set[Worker] = set()
        self._is_closed = False

    async def of_manifest(self, project: str, digest: Digest, *, again: bool) -> InspectedManifest:
        """What the files of a manifest are.

        Args:
            project: whose manifest.
            digest: of the manifest.
            again: look once more into what could not be looked into.

        Raises:
            ProjectNotFound, ManifestNotFound: see ``read.find_manifest``.
            BytesArchived: if bytes that must be looked at are not at hand.
            BytesDamaged: if bytes that must be looked at are gone or wrong.
        """
        record = await self._execution.read(partial(find_manifest, project=project, digest=digest))
        listed = await self._execution.io(partial(listed_files, record.body))
        known = await self._known(project, [file.digest for file in listed])
        if again:
            known = {name: row for name, row in known.items() if row.verdict != Verdict.UNSCANNABLE}
        missing = {file.digest for file in listed} - known.keys()
        if missing:
            require_at_hand(record)
            known |= await self._joined(project, record, missing, again=again)
        return InspectedManifest(
            record=record,
            ruleset=ruleset(),
            files=tuple(
                InspectedFile(
                    file,
                    as_named(FileReport.from_json(known[file.digest].report), file.path),
                    known[file.digest].inspect_time,
                )
                for file in listed
            ),
        )

    def close(self) -> None:
        """End what is being looked into; whoever waits is told that the server stops."""
        self._is_closed = True
        for worker in self._workers:
            worker.close()

    async def _joined(
        self, project: str, record: ManifestRecord, missing: set[str], *, again: bool
    ) -> dict[str, InspectionRow]:
        """Look into files, together with whoever has the same manifest looked into at the moment."""
        key = (project, record.digest)
        found: dict[str, InspectionRow] = {}
        while missing - found.keys():
            task = self._running.get(key)
            if task is None:
                task = spawn(self._look_into(project, record, missing, again=again))
                self._running[key] = task
                task.add_done_callback(lambda _: self._running.pop(key, None))
            found |= await asyncio.shield(task)
        return found

    async def _look_into(
        self, project: str, record: ManifestRecord, missing: set[str], *, again: bool
    ) -> dict[str, InspectionRow]:
        # Another look may have ended since the caller read what is known.
        found = {} if again else await self._known(project, sorted(missing))
        missing = missing - found.keys()
        if not missing:
            return found
        entries = await self._execution.io(partial(files_of, self._blobs, record))
        wanted = list({file.digest: file for file in entries if file.digest.text in missing}.values())
        if len(wanted) < len(missing):
            raise BytesDamaged(record.chunk_map.digest.text, "they do not list the files of the manifest")
        async with self._calls:
            worker = Worker(self._limits)
            self._workers.add(worker)
            try:
                for start in range(0, len(wanted), NOTED_FILES):
                    rows = [await self._file(worker, file) for file in wanted[start : start + NOTED_FILES]]
                    found |= {row.digest: row for row in rows}
                    await self._keep(project, rows)
            finally:
                self._workers.discard(worker)
                await self._execution.io(worker.release)
        return found

    async def _file(self, worker: Worker, file: FileEntry) -> InspectionRow:
        async with self._turns, damage_noted(self._execution):
            if self._is_closed:
                raise ShuttingDown
            source = FileBytes(self._blobs, file.chunks)
            try:
                report = await self._execution.io(partial(worker.judge, source.read, file.size))
            except WorkerEnded as error:
                if self._is_closed:
                    raise ShuttingDown from error
                _log.error("no file can be looked into: %s", error)
                raise StorageUnavailable("inspection") from error
        return InspectionRow(
            digest=file.digest.text,
            format=report.format,
            verdict=report.verdict,
            report=report.to_json().encode(),
            inspect_time=self._execution.clock(),
        )

    async def _known(self, project: str, digests: Sequence[str]) -> dict[str, InspectionRow]:
        return await self._execution.read(partial(_read, project=project, digests=digests))

    async def _keep(self, project: str, rows: Sequence[InspectionRow]) -> None:
        try:
            await self._execution.note(partial(_write, project=project, rows=rows))
        except DomainError as error:
            # The caller is answered all the same; whoever asks next has them looked into again.
            _log.warning("what was found of %d files was not kept: %s", len(rows), error.message)


def _read(reader: Reader, *, project: str, digests: Sequence[str]) -> dict[str, InspectionRow]:
    project_id = reader.projects.require(project).id
    return {row.digest: row for row in reader.inspections.find(project_id, digests, ruleset=ruleset())}


def _write(unit: UnitOfWork, *, project: str, rows: Sequence[InspectionRow]) -> None:
    unit.inspections.put(unit.projects.require(project).id, rows, ruleset=ruleset())
