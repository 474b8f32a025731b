"""To whom a local client shows the admin token it finds: to the server it belongs to, where that serves now."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import muniment
import pytest
from muniment import errors, local
from muniment.transport.calls import Calls
from muniment.transport.target import Address, local_token

PORT = 17460
GONE = 2**22 + 1
"""Above the largest number a process can have."""


@dataclass
class Traces:
    """What servers of one data directory left behind."""

    data: Path

    def announced(self, address: str, pid: int) -> None:
        path = local.announcement_file(int(address.rpartition(":")[2]))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write(path, address, pid)

    def says(self, address: str, pid: int) -> None:
        self._write(self.data / local.SERVER_FILE, address, pid)

    def _write(self, path: Path, address: str, pid: int) -> None:
        path.write_text(json.dumps({"address": address, "pid": pid, "data": str(self.data)}))


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Traces]:
    """A data directory whose lock is held, as by a server."""
    (tmp_path / local.ADMIN_TOKEN_FILE).write_text("mun_admin\n")
    with (tmp_path / local.LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Traces(tmp_path)


def found(target: str) -> str | None:
    return local_token(Address.parse(target))


def test_a_server_that_serves_where_it_is_announced_is_shown_its_token(traces) -> None:
    traces.announced(f"127.0.0.1:{PORT}", os.getpid())
    traces.says(f"127.0.0.1:{PORT}", os.getpid())
    assert found(f"127.0.0.1:{PORT}") == "mun_admin"


def test_a_port_whose_server_moved_to_another_is_not_shown_the_token(traces) -> None:
    # The server on PORT was killed, its announcement stayed, and the next one serves elsewhere.
    traces.announced(f"127.0.0.1:{PORT}", GONE)
    traces.says(f"127.0.0.1:{PORT + 1}", os.getpid())
    assert found(f"127.0.0.1:{PORT}") is None


def test_while_the_next_server_of_a_directory_starts_the_last_ones_port_is_not_shown_the_token(
    traces,
) -> None:
    # The next one holds the lock and has not said yet where it serves.
    traces.announced(f"127.0.0.1:{PORT}", GONE)
    traces.says(f"127.0.0.1:{PORT}", GONE)
    assert found(f"127.0.0.1:{PORT}") is None


def test_another_loopback_address_of_the_same_port_is_not_shown_the_token(traces) -> None:
    traces.announced(f"127.0.0.1:{PORT}", os.getpid())
    traces.says(f"127.0.0.1:{PORT}", os.getpid())
    assert found(f"[::1]:{PORT}") is None
    assert found(f"127.0.0.2:{PORT}") is None


def test_localhost_means_one_address(traces) -> None:
    with muniment.connect(f"localhost:{PORT}") as registry:
        assert registry.target == f"127.0.0.1:{PORT}"


def test_a_user_without_a_home_has_no_token_here(monkeypatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert found(f"127.0.0.1:{PORT}") is None


def test_a_token_is_looked_for_until_there_is_one() -> None:
    tokens = iter([None, "mun_admin", "mun_other"])
    seen = []
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        calls = Calls(lambda: channel, target="127.0.0.1:1", timeout=1, token=lambda: next(tokens))
        for _ in range(3):
            calls.unary(lambda request, metadata, timeout: seen.append(metadata), object())
    assert seen == [(), (("authorization", "Bearer mun_admin"),), (("authorization", "Bearer mun_admin"),)]


def test_a_server_that_began_to_answer_after_its_token_was_looked_for_is_shown_it() -> None:
    class Refused(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNAUTHENTICATED

        def details(self) -> str:
            return "no token was sent"

        def trailing_metadata(self) -> tuple[()]:
            return ()

    def method(request: object, metadata: object, timeout: float) -> str:
        if not metadata:
            raise Refused
        return "answer"

    with grpc.insecure_channel("127.0.0.1:1") as channel:
        tokens = iter([None, "mun_admin"])
        calls = Calls(lambda: channel, target="127.0.0.1:1", timeout=1, token=lambda: next(tokens))
        assert calls.unary(method, object()) == "answer"
        calls = Calls(lambda: channel, target="127.0.0.1:1", timeout=1, token=lambda: None)
        with pytest.raises(errors.Unauthenticated, match="no token was sent"):
            calls.unary(method, object())
