"""What an embedded server costs that does nothing: memory, and the time to get there."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.bars import ROUNDS, BarTable
from harness.peer import Peer, resident_mib
from harness.server import ServerFactory


def test_memory_and_start_of_an_idle_server(
    server_factory: ServerFactory, new_peer: Callable[[str | None], Peer | None], table: BarTable
) -> None:
    seconds, memory = [], []
    for _ in range(ROUNDS):
        began = time.monotonic()
        server = server_factory()
        seconds.append(time.monotonic() - began)
        memory.append(resident_mib(server.pid))
        server.stop()
    peer = new_peer(None)
    # One start of the peer is enough: it takes ten times as long as all of ours.
    against = {} if peer is None else {"peer": [peer.seconds_to_serve] * ROUNDS}
    table.add("start to serving", "sqlite", ours=seconds, unit="s", against=against, at_most={"": 2.0})
    against = {} if peer is None else {"peer": [peer.resident_mib()] * ROUNDS}
    table.add("idle memory", "sqlite", ours=memory, unit="MiB", against=against, at_most={"": 150.0})
