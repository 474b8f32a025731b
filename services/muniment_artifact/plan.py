"""Which chunks a client has to send.

A chunk that is said to be there is leased: it stays for as long as a push may take. Leases that are fresh are left
as they are, so that most plans write nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import LimitExceeded, SizeMismatch
from muniment_core.rpc.execution import Execution

from muniment_artifact.limits import Limits
from muniment_artifact.tiling import check_chunk

FRESH = timedelta(minutes=1)
"""A lease no older than this is not renewed; collection leaves alone what was leased much longer ago."""


async def plan_upload(
    execution: Execution, project: str, chunks: Sequence[Chunk], *, limits: Limits
) -> list[Digest]:
    """The chunks that the project does not hold, in order and without repeats; those it holds are leased.

    What other projects hold has no influence: whether bytes exist elsewhere is none of the caller's business.

    Raises:
        ProjectNotFound: if there is no such project.
        InvalidField: if a size is out of range.
        LimitExceeded: if there are too many chunks, or one is too large.
        SizeMismatch: if the project holds a chunk of this digest in another size.
    """
    missing, stale = await execution.read(partial(_look, project=project, chunks=chunks, limits=limits))
    if not stale:
        return missing
    renewed = await execution.note(partial(_renew, project=project, digests=stale))
    lost = {*missing, *stale} - renewed
    return [digest for digest in dict.fromkeys(chunk.digest for chunk in chunks) if digest in lost]


def _look(
    reader: Reader, *, project: str, chunks: Sequence[Chunk], limits: Limits
) -> tuple[list[Digest], list[Digest]]:
    """The chunks that are missing, and those that are held by an old lease."""
    if len(chunks) > limits.max_plan_chunks:
        raise LimitExceeded("chunks", limits.max_plan_chunks, len(chunks))
    for index, chunk in enumerate(chunks):
        check_chunk(f"chunks[{index}].size", chunk, limits)
    digests = dict.fromkeys(chunk.digest for chunk in chunks)
    held = reader.leases.leases(reader.projects.require(project).id, digests)
    for chunk in chunks:
        size, _ = held.get(chunk.digest, (chunk.size, None))
        if size != chunk.size:
            raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=size)
    missing = [digest for digest in digests if digest not in held]
    return missing, [digest for digest, (_, lease) in held.items() if lease < reader.now - FRESH]


def _renew(unit: UnitOfWork, *, project: str, digests: Sequence[Digest]) -> set[Digest]:
    return unit.leases.renew(unit.projects.require(project).id, digests, now=unit.now)
