"""A watcher that has fallen behind what the tail keeps reads the table, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from muniment_core.db import schema
from muniment_core.db.database import Database
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.errors import ShuttingDown
from muniment_core.domain.ledger import EntryDraft
from muniment_core.rpc.execution import Execution
from muniment_promotion.watch.stream import follow
from muniment_promotion.watch.tail import TURNS_AT_ONCE, LedgerTail

KEPT = 5
DEADLINE = 60.0


class Registry:
    """A database with a writer, the seam and a tail that keeps few entries."""

    def __init__(self, directory: Path) -> None:
        def clock() -> datetime:
            return datetime(2026, 11, 23, tzinfo=UTC)

        self.database = Database.embedded(directory)
        schema.migrate(self.database, clock)
        self.writer = Writer(self.database, clock, on_commit=lambda entries: self.tail.committed(entries))
        self.execution = Execution(self.database, self.writer, clock)
        self.tail = LedgerTail(self.execution, poll_seconds=60, kept_entries=KEPT)
        self.writer.start()

    def write(self, count: int, entry_type: str = "test.written") -> None:
        def work(unit: UnitOfWork) -> None:
            unit.record(EntryDraft(type=entry_type))

        for written in [self.writer.submit(Change(work, "tester")) for _ in range(count)]:
            written.result()

    def follow(self, after: int, *types: str) -> AsyncIterator:
        query = EntryQuery(types=types)
        return follow(self.execution, self.tail, query, after=after, heartbeat_seconds=3600)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    running = Registry(tmp_path)
    await running.tail.start()
    yield running
    await running.tail.close()
    running.writer.stop()
    running.execution.close()
    running.database.close()


async def revisions(stream: AsyncIterator, upto: int) -> list[int]:
    found = []
    async for response in stream:
        found += [entry.revision for entry in response.entries]
        if response.revision >= upto:
            return found
    raise AssertionError("the watch ended")


async def test_a_watcher_behind_the_tail_catches_up_from_the_table_and_then_follows_live(
    registry: Registry,
) -> None:
    stream = registry.follow(0)
    assert (await anext(stream)).revision == 0, "the first message comes at once"
    registry.write(20 * KEPT)
    assert await revisions(stream, 20 * KEPT) == list(range(1, 20 * KEPT + 1))
    assert registry.tail.since(0, EntryQuery()) is None, "the tail did not keep the first entries"
    registry.write(1)
    assert await revisions(stream, 20 * KEPT + 1) == [20 * KEPT + 1]
    assert registry.tail.since(20 * KEPT, EntryQuery()) is not None


async def test_more_entries_than_one_message_holds_come_in_several(registry: Registry) -> None:
    registry.write(1203)
    sizes = []
    async for response in registry.follow(0):
        sizes.append(len(response.entries))
        if response.revision == 1203:
            break
    assert sum(sizes) == 1203
    assert max(sizes) == 500


async def test_a_filter_over_the_table_bookmarks_the_end_of_what_was_read(registry: Registry) -> None:
    registry.write(3 * KEPT)
    registry.write(1, "other.thing")
    registry.write(3 * KEPT)
    assert await revisions(registry.follow(0, "other.*"), 6 * KEPT + 1) == [3 * KEPT + 1]


async def test_a_stopping_server_ends_its_watchers(registry: Registry) -> None:
    stream = registry.follow(0)
    await anext(stream)
    await registry.tail.close()
    with pytest.raises(ShuttingDown):
        await anext(stream)


@pytest.mark.parametrize("steps", range(6))
async def test_a_tail_ends_also_when_a_commit_comes_in_the_moment_it_is_closed(
    registry: Registry, steps: int
) -> None:
    # Between the commit and the close the task is at another point of its waiting each time.
    registry.tail.committed(None)
    for _ in range(steps):
        await asyncio.sleep(0)
    async with asyncio.timeout(DEADLINE):
        await registry.tail.close()


@pytest.mark.parametrize("steps", range(8))
async def test_a_watcher_that_is_cancelled_when_an_entry_comes_ends(registry: Registry, steps: int) -> None:
    async def watch() -> None:
        async for _ in registry.follow(0, "never.*"):
            pass

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.0)
    registry.write(1)
    for _ in range(steps):
        await asyncio.sleep(0)
    watching.cancel()
    done, _ = await asyncio.wait({watching}, timeout=DEADLINE)
    assert done
    assert watching.cancelled()


async def test_watchers_go_on_after_reading_failed_in_a_way_nobody_thought_of(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failures = registry.execution.read, [MemoryError("no room for a moment")]

    async def fail_once(use_case: Any) -> Any:
        if failures:
            raise failures.pop()
        return await read(use_case)

    monkeypatch.setattr(registry.execution, "read", fail_once)
    with registry.tail.watched():
        registry.write(1)
        async with asyncio.timeout(DEADLINE):
            while failures:
                await asyncio.sleep(0.01)
        assert await revisions(registry.follow(0), upto=1) == [1]
        registry.write(1)
        await asyncio.wait_for(_reached(registry.tail, 2), DEADLINE)


async def test_what_was_committed_while_nobody_watched_is_read_from_the_table(registry: Registry) -> None:
    registry.write(KEPT)
    assert registry.tail.revision == 0, "nobody watched, so nothing was read"
    stream = registry.follow(KEPT - 2)
    assert await revisions(stream, KEPT) == [KEPT - 1, KEPT]
    async with asyncio.timeout(DEADLINE):
        await _reached(registry.tail, KEPT)
    registry.write(1)
    assert await revisions(stream, KEPT + 1) == [KEPT + 1]
    assert registry.tail.since(KEPT, EntryQuery()) is not None, "and is followed from then on"
    await stream.aclose()
    registry.write(1)
    assert await revisions(registry.follow(KEPT), KEPT + 2) == [KEPT + 1, KEPT + 2]


async def test_of_many_watchers_a_few_go_on_in_a_round_of_the_event_loop_and_in_the_end_all(
    registry: Registry,
) -> None:
    gone_on = 0

    async def wait() -> None:
        nonlocal gone_on
        await registry.tail.wait(0, seconds=DEADLINE)
        gone_on += 1

    with registry.tail.watched():
        waiting = [asyncio.create_task(wait()) for _ in range(3 * TURNS_AT_ONCE + 1)]
        await asyncio.sleep(0)
        registry.write(1)
        in_a_round: list[int] = []
        async with asyncio.timeout(DEADLINE):
            while gone_on < len(waiting):
                before = gone_on
                await asyncio.sleep(0)
                in_a_round.append(gone_on - before)
    assert max(in_a_round) == TURNS_AT_ONCE
    since_the_first = in_a_round[in_a_round.index(TURNS_AT_ONCE) :]
    assert 0 in since_the_first, "there is no pause for everybody else"


async def test_a_watcher_with_more_to_come_waits_for_its_turn_again(registry: Registry) -> None:
    streams = [registry.follow(0) for _ in range(2)]
    for stream in streams:
        await anext(stream)
    registry.write(1)
    for stream in streams:
        assert await revisions(stream, 1) == [1]
    registry.write(1)
    await _reached(registry.tail, 2)
    order: list[int] = []

    async def go_on(number: int) -> None:
        for _ in range(2):
            await registry.tail.wait(1, seconds=DEADLINE)
            order.append(number)

    await asyncio.gather(*map(go_on, range(2)))
    assert order == [0, 1, 0, 1]
    for stream in streams:
        await stream.aclose()


async def test_a_watcher_that_left_the_line_holds_up_nobody(registry: Registry) -> None:
    with registry.tail.watched():
        left = [asyncio.create_task(registry.tail.wait(0, seconds=DEADLINE)) for _ in range(TURNS_AT_ONCE)]
        stays = asyncio.create_task(registry.tail.wait(0, seconds=DEADLINE))
        await asyncio.sleep(0)
        for task in left:
            task.cancel()
        registry.write(1)
        async with asyncio.timeout(DEADLINE):
            await stays
        assert all(result.cancelled() for result in left)


async def _reached(tail: LedgerTail, revision: int) -> None:
    while tail.revision < revision:
        await tail.wait(tail.revision, seconds=0.1)
