"""Joining an embedded server that is just being replaced."""

from __future__ import annotations

import fcntl
import json
import os
import time

from muniment import local
from muniment.embedded import client
from muniment.embedded.client import EmbeddedClient
from muniment.embedded.locks import FileLock


def test_a_child_that_was_forked_off_during_a_start_does_not_hold_up_the_next_one(tmp_path) -> None:
    lock = FileLock.acquire(tmp_path / "start.lock", shared=False, deadline=time.monotonic())
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    lock.release(everywhere=True)
    FileLock.acquire(tmp_path / "start.lock", shared=False, deadline=time.monotonic()).release()
    os.close(writing)
    os.waitpid(child, 0)


def test_a_stranger_on_the_port_of_a_server_that_was_killed_is_not_joined(tmp_path, monkeypatch) -> None:
    def says(address: str) -> None:
        record = {"address": address, "pid": 1, "data": str(tmp_path)}
        (tmp_path / local.SERVER_FILE).write_text(json.dumps(record))

    def healthy(address: str) -> bool:
        # While the old address is asked, and answers, the server that holds the lock says where it is.
        says("127.0.0.1:2")
        return True

    says("127.0.0.1:1")
    monkeypatch.setattr(client.health, "is_serving", healthy)
    with (tmp_path / local.LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        joined = EmbeddedClient.join(tmp_path)
        joined.release()
    assert joined.address == "127.0.0.1:2"
