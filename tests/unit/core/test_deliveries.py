"""What other threads promise a task arrives, once, and wakes the loop once for all that is ready."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from muniment_core.rpc.deliveries import Deliveries, Promise

WAIT = 30


async def test_results_and_errors_of_another_thread_arrive_with_one_waking() -> None:
    loop = asyncio.get_running_loop()
    deliveries = Deliveries(loop)
    promises: list[Promise[int]] = [deliveries.promise() for _ in range(20)]

    def fulfil() -> None:
        for number, promise in enumerate(promises):
            if number % 5:
                promise.set_result(number)
            else:
                promise.set_exception(StopIteration(number) if number else ValueError(number))

    with patch.object(loop, "call_soon_threadsafe", wraps=loop.call_soon_threadsafe) as woken:
        thread = threading.Thread(target=fulfil)
        thread.start()
        thread.join()  # the loop stands still meanwhile
        assert woken.call_count == 1
    async with asyncio.timeout(WAIT):
        for number, promise in enumerate(promises):
            if number % 5:
                assert await promise.future == number
            else:
                with pytest.raises(RuntimeError if number else ValueError):
                    await promise.future


async def test_many_threads_lose_nothing() -> None:
    deliveries = Deliveries(asyncio.get_running_loop())
    with ThreadPoolExecutor(8) as pool:
        async with asyncio.timeout(WAIT):
            found = await asyncio.gather(
                *(
                    deliveries.of(pool, lambda promise, number=number: promise.set_result(number))
                    for number in range(2000)
                )
            )
    assert found == list(range(2000))


async def test_the_first_outcome_counts_and_what_fails_after_it_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deliveries = Deliveries(asyncio.get_running_loop())
    go_on, over = threading.Event(), threading.Event()

    def work(promise: Promise[str]) -> None:
        promise.set_result("answer")
        assert go_on.wait(WAIT)
        over.set()
        raise ValueError("lost while committing")

    with ThreadPoolExecutor(1) as pool:
        async with asyncio.timeout(WAIT):
            assert await deliveries.of(pool, work) == "answer"
        assert not over.is_set()
        go_on.set()
    assert over.is_set()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "lost while committing"


async def test_an_error_that_is_told_is_not_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    deliveries = Deliveries(asyncio.get_running_loop())

    def work(_promise: Promise[str]) -> None:
        raise ValueError("told")

    with ThreadPoolExecutor(1) as pool:
        async with asyncio.timeout(WAIT):
            with pytest.raises(ValueError, match="told"):
                await deliveries.of(pool, work)
    assert caplog.records == []


async def test_work_whose_caller_gave_up_before_it_began_is_not_done() -> None:
    deliveries = Deliveries(asyncio.get_running_loop())
    busy, done = threading.Event(), []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(busy.wait, WAIT)
        task = asyncio.create_task(deliveries.of(pool, lambda _promise: done.append("work")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        busy.set()
    assert done == []


def test_a_result_for_a_loop_that_has_ended_is_dropped() -> None:
    async def begin() -> Promise[int]:
        return Deliveries(asyncio.get_running_loop()).promise()

    promise = asyncio.run(begin())
    promise.set_result(1)
    assert not promise.future.done()
