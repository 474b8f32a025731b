"""Work on many chunks, a few at a time: a store over the network answers several questions as fast as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from muniment_core.db.artifact_store import Chunk
from muniment_core.rpc.execution import Execution

AT_ONCE = 4
"""Chunks, or removals, that wait for a store at once; most threads stay for those who read and write."""

T = TypeVar("T")


async def for_each(execution: Execution, chunks: Sequence[Chunk], work: Callable[[Chunk], T]) -> list[T]:
    """Do something on the pool for every chunk, and return what came of it, in order.

    A call that is cancelled stops after the chunks it is at.

    Raises:
        Exception: what the work raised for the first chunk for which it did; no later ones are begun.
    """
    done: list[T] = []
    for start in range(0, len(chunks), AT_ONCE):
        running = [execution.io(partial(work, chunk)) for chunk in chunks[start : start + AT_ONCE]]
        results = await asyncio.gather(*running, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
            done.append(result)
    return done
