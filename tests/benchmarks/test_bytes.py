"""Moving bytes, against the bare stack, and how many are stored and sent when a version resembles another."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import muniment
import pytest
from harness.bars import BarTable, interleaved
from harness.processes import ProcessRunner
from harness.server import ServerFactory, ServerProcess

PROGRAMS = Path(__file__).parent / "programs"
MIB = 1024 * 1024
FRAME = MIB
LARGE_MIB = int(os.environ.get("MUNIMENT_BENCH_MIB", "1024"))
MODEL_MIB = 300
LAYERS = 12


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory: disks vary five-fold from run to run."""
    shared = Path("/dev/shm")
    directory = (shared if shared.is_dir() else tmp_path) / f"muniment-bench-{os.getpid()}"
    directory.mkdir()
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def server(server_factory: ServerFactory, memory: Path) -> ServerProcess:
    """A server whose data are in memory."""
    return server_factory(data=memory / "data")


@pytest.fixture
def registry(server: ServerProcess) -> Iterator[muniment.Registry]:
    with muniment.connect(server.address, token=server.token) as connected:
        yield connected


class Bare:
    """What the bare stack does with one file."""

    def __init__(self, address: str, directory: Path) -> None:
        channel = grpc.insecure_channel(address)
        self._put = channel.stream_unary("/bare/put")
        self._get = channel.unary_stream("/bare/get")
        self._directory = directory

    def push(self, paths: list[Path]) -> None:
        whole = hashlib.sha256()

        def frames() -> Iterator[bytes]:
            for path in paths:
                with path.open("rb", buffering=0) as file:
                    while frame := file.read(FRAME):
                        whole.update(frame)
                        yield frame

        assert self._put(frames()) == whole.digest()

    def pull(self, name: str) -> None:
        whole = hashlib.sha256()
        with (self._directory / "bare-out").open("wb", buffering=0) as file:
            for frame in self._get(name.encode()):
                whole.update(frame)
                file.write(frame)
            os.fsync(file.fileno())


def seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def filled(path: Path, size: int) -> Path:
    """A file of random bytes."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    return path


@pytest.mark.parametrize(
    ("name", "count", "size"), [(f"1 x {LARGE_MIB} MiB", 1, LARGE_MIB * MIB), ("200 x 1 MiB", 200, MIB)]
)
def test_push_and_pull_against_the_bare_stack(
    registry: muniment.Registry,
    processes: ProcessRunner,
    memory: Path,
    table: BarTable,
    name: str,
    count: int,
    size: int,
) -> None:
    program = processes.start(sys.executable, str(PROGRAMS / "bare_bytes.py"), str(memory), name="bare")
    bare = Bare(program.wait_for_line(r"^serving on (\S+)$").group(1), memory)
    megabytes = count * size / 1e6
    numbers = itertools.count()

    def push() -> float:
        """Bytes the registry has never seen, each time."""
        model = memory / "model"
        paths = [filled(model / f"{number}.bin", size) for number in range(count)]
        ours = seconds(lambda: registry.push(f"m{next(numbers)}", model))
        theirs.append(megabytes / seconds(lambda: bare.push(paths)))
        shutil.rmtree(model)
        return megabytes / ours

    def pull() -> float:
        out = memory / "out"
        last = list(registry.models())[-1].name.rpartition("/")[2]
        ours = seconds(lambda: registry.pull(last, out))
        shutil.rmtree(out)
        theirs.append(megabytes / seconds(lambda: bare.pull("bare.bin")))
        return megabytes / ours

    for verb, measure in (("push", push), ("pull", pull)):
        theirs: list[float] = []
        ours = interleaved({"ours": measure})["ours"]
        table.add(
            f"{verb} {name}",
            "sqlite",
            ours=ours,
            unit="MB/s",
            against={"bare": theirs},
            at_least={"bare": 0.85},
        )


def layered(
    seed: int, *, changed: dict[int, int] | None = None, reverse: bool = False, note: str = ""
) -> bytes:
    """A safetensors file of twelve layers.

    Args:
        seed: makes the bytes.
        changed: layers whose bytes are of another seed.
        reverse: whether the tensors are in the opposite order.
        note: goes into the header, which grows by it.
    """
    size = MODEL_MIB * MIB // LAYERS
    bodies = {
        f"layer.{number}.weight": random.Random((changed or {}).get(number, seed) * 1_000 + number).randbytes(
            size
        )
        for number in range(LAYERS)
    }
    if reverse:
        bodies = dict(reversed(bodies.items()))
    return safetensors(bodies, note)


def safetensors(bodies: dict[str, bytes], note: str) -> bytes:
    header: dict[str, object] = {"__metadata__": {"note": note}}
    position = 0
    for name, body in bodies.items():
        header[name] = {"dtype": "U8", "shape": [len(body)], "data_offsets": [position, position + len(body)]}
        position += len(body)
    text = json.dumps(header).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, *bodies.values()])


class Pushed:
    """Pushes files one after the other, and counts what each sent and stored."""

    def __init__(self, registry: muniment.Registry, memory: Path) -> None:
        self._registry = registry
        self._path = memory / "model"
        self._store = memory / "data" / "cas"
        self.sent = 0

    @property
    def stored(self) -> int:
        """Bytes of all blobs."""
        return sum(path.stat().st_size for path in self._store.rglob("*") if path.is_file())

    def push(self, model: str, data: bytes, suffix: str = ".safetensors") -> float:
        """Push; answers with the seconds it took."""
        path = self._path.with_suffix(suffix)
        path.write_bytes(data)
        self.sent = 0

        def progress(phase: str, done: int, total: int) -> None:
            if phase == "push":
                self.sent = done

        return seconds(lambda: self._registry.push(model, path, progress=progress))


def test_what_versions_that_resemble_each_other_store_and_send(
    registry: muniment.Registry, memory: Path, table: BarTable
) -> None:
    pushed = Pushed(registry, memory)
    data = layered(1)
    size = len(data)

    first = pushed.push("one-percent", data)
    before = pushed.stored
    again = pushed.push("one-percent", data)
    table.add("identical re-push, sent", "", ours=[pushed.sent / MIB], unit="MiB", at_most={"": 0})
    table.add(
        "identical re-push, time",
        "",
        ours=[again],
        unit="s",
        against={"first": [first]},
        at_most={"first": 0.15},
    )

    body = bytearray(data)
    position = size // 3
    for number in range(4):
        # One region of the file: a hundredth of its bytes.
        body[position + number * size // 100 : position + (number + 1) * size // 100] = random.Random(
            number
        ).randbytes((number + 1) * size // 100 - number * size // 100)
        pushed.push("one-percent", with_note(bytes(body), "x" * 1_000 * (number + 1)))
    table.add(
        "5 versions, 1 % changed, stored",
        "",
        ours=[pushed.stored / MIB],
        unit="MiB",
        against={"one version": [before / MIB]},
        at_most={"one version": 1.10},
    )

    pushed.push("layers", layered(1, changed={9: 2, 10: 2, 11: 2}))
    changed = MODEL_MIB * 3 / LAYERS
    table.add(
        "last 3 of 12 layers changed, sent",
        "",
        ours=[pushed.sent / MIB],
        unit="MiB",
        against={"changed": [changed]},
        at_most={"changed": 1.10},
    )

    pushed.push("reversed", layered(1, reverse=True))
    table.add("tensor order reversed, sent", "", ours=[pushed.sent / MIB], unit="MiB", at_most={"": 0.01})

    numbers = random.Random(7)
    plain = b"".join(numbers.randbytes(MIB) for _ in range(MODEL_MIB))
    pushed.push("plain", plain, ".bin")
    pushed.push("plain", random.Random(8).randbytes(1_000) + plain, ".bin")
    table.add(
        "1 kB inserted in front of 300 MB, sent", "", ours=[pushed.sent / MIB], unit="MiB", at_most={"": 8}
    )


def with_note(data: bytes, note: str) -> bytes:
    """The same tensors under a larger header."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["note"] = note
    text = json.dumps(header).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, data[8 + length :]])
