"""A model to push, the cache of this test, and what came over the network."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import muniment
import pytest
from muniment.digests import Digest
from muniment.transfer.arriving import ArrivingFile

LARGE = 12 * 1024 * 1024


@pytest.fixture
def fetched(monkeypatch) -> list[int]:
    """Sizes of what came from a registry."""
    sizes: list[int] = []
    write = ArrivingFile.write

    def count(self: ArrivingFile, offset: int, data: bytes | memoryview) -> None:
        sizes.append(len(data))
        write(self, offset, data)

    monkeypatch.setattr(ArrivingFile, "write", count)
    return sizes


@pytest.fixture
def model(tmp_path) -> Path:
    """A directory with a large file and a small one."""
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "weights.bin").write_bytes(random.Random(1).randbytes(LARGE))
    (directory / "config.json").write_text('{"layers": 3}')
    return directory


@pytest.fixture
def root(home: Path) -> Path:
    """Where the cache is when nobody says anything."""
    return home / ".cache/muniment/v1"


@pytest.fixture
def nowhere() -> Iterator[muniment.Registry]:
    """A connection to an address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with muniment.connect(address, token="mun_x") as connected:
        yield connected


@pytest.fixture
def connect_again(shared_server, project) -> Iterator[Callable[..., muniment.Registry]]:
    """Connects to the registry once more: `connect_again(cache=…)`."""
    opened: list[muniment.Registry] = []

    def again(**options) -> muniment.Registry:
        address, token = shared_server.address, shared_server.token
        opened.append(muniment.connect(address, token=token, project=project, **options))
        return opened[-1]

    yield again
    for registry in opened:
        registry.close()


@pytest.fixture
def cached(root: Path) -> Callable[[Path], Path]:
    """The file of the cache with the bytes of another: `cached(path)`."""

    def find(path: Path) -> Path:
        digits = Digest.of(path.read_bytes()).hex
        return root / "files" / digits[:2] / digits

    return find


@pytest.fixture
def damage() -> Callable[[Path], None]:
    """Changes one byte of a file, as a process would that keeps its times: `damage(path)`."""

    def change(path: Path) -> None:
        status = path.stat()
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.seek(status.st_size // 2)
            byte = file.read(1)[0]
            file.seek(status.st_size // 2)
            file.write(bytes([byte ^ 1]))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return change
