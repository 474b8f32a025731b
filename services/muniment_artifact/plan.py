"""Which chunks a client has to send."""

from __future__ import annotations

from collections.abc import Sequence

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import LimitExceeded, SizeMismatch

from muniment_artifact.limits import Limits
from muniment_artifact.tiling import check_chunk


def plan_upload(reader: Reader, project: str, chunks: Sequence[Chunk], *, limits: Limits) -> list[Digest]:
    """The chunks that the project does not hold, in order and without repeats.

    What other projects hold has no influence: whether bytes exist elsewhere is none of the caller's business.

    Raises:
        ProjectNotFound: if there is no such project.
        InvalidField: if a size is out of range.
        LimitExceeded: if there are too many chunks, or one is too large.
        SizeMismatch: if the project holds a chunk of this digest in another size.
    """
    if len(chunks) > limits.max_plan_chunks:
        raise LimitExceeded("chunks", limits.max_plan_chunks, len(chunks))
    for index, chunk in enumerate(chunks):
        check_chunk(f"chunks[{index}].size", chunk, limits)
    project_id = reader.projects.require(project).id
    held = reader.artifacts.held(project_id, dict.fromkeys(chunk.digest for chunk in chunks))
    for chunk in chunks:
        if held.get(chunk.digest, chunk.size) != chunk.size:
            raise SizeMismatch(f"chunk {chunk.digest}", declared=chunk.size, actual=held[chunk.digest])
    return [digest for digest in dict.fromkeys(chunk.digest for chunk in chunks) if digest not in held]
