"""Joining an embedded server that is just being replaced."""

from __future__ import annotations

import fcntl
import json

from muniment import local
from muniment.embedded import client
from muniment.embedded.client import EmbeddedClient


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
