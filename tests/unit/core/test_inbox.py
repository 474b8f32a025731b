"""What many threads hand to one: nothing is lost, nobody sleeps for ever, and who waits is woken once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from muniment_core.db.inbox import Inbox


def test_items_are_taken_in_order_and_no_more_than_wanted() -> None:
    inbox: Inbox[int] = Inbox()
    assert all(inbox.put(item) for item in range(5))
    assert inbox.wait(3) == 5
    assert inbox.take(2) == [0, 1]
    assert inbox.take(10) == [2, 3, 4]
    assert inbox.take(10) == []


def test_the_taker_sleeps_until_as_many_wait_as_it_wants() -> None:
    inbox: Inbox[int] = Inbox()
    with ThreadPoolExecutor(1) as pool:
        taker = pool.submit(inbox.wait, 3)
        inbox.put(1)
        inbox.put(2)
        time.sleep(0.05)
        assert not taker.done()
        inbox.put(3)
        assert taker.result(30) == 3


def test_patience_has_an_end_and_the_next_wait_sleeps_again() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put(1)
    assert inbox.wait(2, 0.01) == 1
    assert inbox.wait(2, 0.0) == 1
    with ThreadPoolExecutor(1) as pool:
        taker = pool.submit(inbox.wait, 2)
        time.sleep(0.05)
        assert not taker.done()
        inbox.put(2)
        assert taker.result(30) == 2


def test_a_closed_inbox_wakes_its_taker_takes_nothing_more_and_keeps_what_it_has() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.put(1)
    with ThreadPoolExecutor(1) as pool:
        taker = pool.submit(inbox.wait, 2)
        time.sleep(0.05)
        inbox.close()
        assert taker.result(30) == 1
    assert not inbox.put(2)
    assert inbox.wait(5) == 1
    assert inbox.take(5) == [1]
    assert inbox.wait(1) == 0


def test_nothing_is_lost_between_impatient_waits_and_many_threads() -> None:
    """The patience of the taker ends in every state there is between sleeping and being woken."""
    inbox: Inbox[tuple[int, int]] = Inbox()
    threads, each = 8, 3_000
    taken: list[tuple[int, int]] = []

    def fill(thread: int) -> None:
        for item in range(each):
            inbox.put((thread, item))

    fillers = [threading.Thread(target=fill, args=(thread,)) for thread in range(threads)]
    for filler in fillers:
        filler.start()
    turn = 0
    while len(taken) < threads * each:
        turn += 1
        inbox.wait(1 + turn % 7, (turn % 3) * 1e-5)
        taken += inbox.take(turn % 5)
    for filler in fillers:
        filler.join()
    assert [[item for who, item in taken if who == thread] for thread in range(threads)] == [
        list(range(each))
    ] * threads
    with ThreadPoolExecutor(1) as pool:  # no forgotten ring wakes who sleeps now
        taker = pool.submit(inbox.wait, 1)
        time.sleep(0.05)
        assert not taker.done()
        inbox.put((0, 0))
        assert taker.result(30) == 1
