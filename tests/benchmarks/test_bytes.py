"""Moving bytes, against the bare stack and the peer, and how many versions that resemble each other take."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import muniment
import psutil
import pytest
from harness.bars import ROUNDS, BarTable
from harness.peer import start_peer
from harness.processes import ProcessRunner, RunningProcess
from harness.server import ServerFactory, ServerProcess

PROGRAMS = Path(__file__).parent / "programs"
MIB = 1024 * 1024
LARGE_MIB = int(os.environ.get("MUNIMENT_BENCH_MIB", "1024"))
"""The size the goals are for: three rounds of it take some minutes, `MUNIMENT_BENCH_MIB=256 make bench` fewer."""
MODEL_MIB = 300
SETTLED_SECONDS = 0.1
LAYERS = 12


@pytest.fixture
def server(server_factory: ServerFactory, memory: Path) -> ServerProcess:
    """A server whose data are in memory."""
    return server_factory(data=memory / "data")


@pytest.fixture
def registry(server: ServerProcess, memory: Path) -> Iterator[muniment.Registry]:
    # Nothing is pulled here; what pushes remember of unchanged files is what users get, and begins empty.
    with muniment.connect(server.address, token=server.token, cache=memory / "cache") as connected:
        yield connected


class Contestants:
    """Ours, the bare stack and the peer, each with all its bytes in memory, and what a transfer took of each.

    The bare stack hashes every byte once on either end. `named` is the same with every frame hashed by itself,
    too: a push promises the digests of chunks and of whole files, and either end has to find both. The peer is
    asked over four connections with next to no client; `client` is the peer with its own.
    """

    def __init__(
        self,
        load: Callable[..., dict[str, Any]],
        processes: ProcessRunner,
        memory: Path,
        peer_programs: Path | None,
    ) -> None:
        self._load = load
        self._memory = memory
        self._rounds = itertools.count()
        ours = processes.start(
            *(sys.executable, str(PROGRAMS / "measured_server.py"), "serve"),
            *("--data", str(memory / "data"), "--listen", "127.0.0.1:0"),
            name="ours",
        )
        bare = processes.start(sys.executable, str(PROGRAMS / "bare_bytes.py"), str(memory), name="bare")
        serving = r"^serving on (\S+)$"
        self._servers = {"ours": ours, "bare": bare, "named": bare}
        self._addresses = {
            name: process.wait_for_line(serving).group(1) for name, process in self._servers.items()
        }
        if peer_programs is not None:
            peer = start_peer(processes, peer_programs, memory / "peer", None)
            for name in ("peer", "client"):
                self._servers[name] = peer.process
                self._addresses[name] = f"127.0.0.1:{peer.port}"
            self._peer_python = peer.python
        self.names = tuple(self._servers)

    def round(self, count: int, size: int) -> dict[str, dict[str, dict[str, float]]]:
        """Push bytes that nobody has seen, pull them, and remove them: figures by verb, contestant and name."""
        number = next(self._rounds)
        files = [filled(self._memory / "model" / f"{index}.bin", size) for index in range(count)]
        figures: dict[str, dict[str, dict[str, float]]] = {"push": {}, "pull": {}}
        for name in self.names:
            figures["push"][name] = self._transfer(name, "push", number, self._memory / "model", files)
        for name in self.names:
            if name == "named":
                continue  # a pull promises the digests of files alone
            figures["pull"][name] = self._transfer(name, "pull", number, self._memory / "out", files)
            shutil.rmtree(self._memory / "out")
        for path in (
            self._memory / "model",
            self._memory / "bare.bin",
            *self._memory.glob("peer/artifacts/*"),
        ):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return figures

    def _transfer(
        self, name: str, verb: str, number: int, path: Path, files: Sequence[Path]
    ) -> dict[str, float]:
        gigabytes = sum(file.stat().st_size for file in files) / 1e9
        self._touch_memory(sum(file.stat().st_size for file in files))
        before, split = cpu_seconds(self._servers[name]), self._split(name)
        client = (
            {"program": "own_client_bytes_peer.py", "python": self._peer_python} if name == "client" else {}
        )
        result = self._load(
            **{"program": "byte_load.py", **client},
            kind=name,
            verb=verb,
            address=self._addresses[name],
            token=(self._memory / "data" / "admin-token").read_text().strip(),
            model=f"m{number}",
            path=str(path),
            names=[file.name for file in files],
        )
        server = cpu_seconds(self._servers[name]) - before
        parts = {f"client {part}": spent for part, spent in result["cpu"].items() if part != "all"}
        rest = "send" if verb == "push" else "receive"
        parts[f"client {rest} and the rest"] = result["cpu"]["all"] - sum(parts.values())
        if name == "ours":
            after = self._split(name)
            served = {f"server {part}": after[part] - split.get(part, 0.0) for part in after if part != "all"}
            rest = "receive" if verb == "push" else "send"
            served[f"server {rest} and the rest"] = server - sum(served.values())
            parts |= served
        return {
            "MB/s": 1000 * gigabytes / result["seconds"],
            "cpu": (result["cpu"]["all"] + server) / gigabytes,
            **{part: spent / gigabytes for part, spent in parts.items()},
        }

    def _split(self, name: str) -> dict[str, float]:
        """Where the CPU seconds of our server went so far."""
        if name != "ours":
            return {}
        server = self._servers[name]
        told = sum(line.startswith("split ") for line in server.lines)
        server.signal(signal.SIGUSR1)
        deadline = time.monotonic() + 60
        while True:
            lines = [line for line in server.lines if line.startswith("split ")]
            if len(lines) > told:
                return dict(json.loads(lines[-1].removeprefix("split ")))
            assert time.monotonic() < deadline, "the server does not say where its time goes"
            time.sleep(0.01)

    def _touch_memory(self, size: int) -> None:
        """Make the machine have so much memory at hand: what it has not used for long costs the first who asks."""
        filled(self._memory / "touched" / "file", size + 64 * MIB, block=bytes(MIB))
        shutil.rmtree(self._memory / "touched")


def cpu_seconds(process: RunningProcess) -> float:
    """CPU seconds of a process and all below it."""
    parent = psutil.Process(process.pid)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def filled(path: Path, size: int, *, block: bytes | None = None) -> Path:
    """A file of random bytes, or of one block again and again."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(block or os.urandom(MIB))
    return path


@pytest.mark.parametrize(
    ("name", "count", "size", "goals"),
    [
        (f"1 x {LARGE_MIB} MiB", 1, LARGE_MIB * MIB, {"push": 1.6, "pull": 2.2}),
        ("200 x 1 MiB", 200, MIB, {"push": 3.0, "pull": 3.0}),
    ],
)
def test_push_and_pull_against_the_bare_stack_and_the_peer(
    load: Callable[..., dict[str, Any]],
    processes: ProcessRunner,
    memory: Path,
    peer_programs: Path | None,
    table: BarTable,
    name: str,
    count: int,
    size: int,
    goals: dict[str, float],
) -> None:
    contestants = Contestants(load, processes, memory, peer_programs)
    contestants.round(1, 16 * MIB)
    rounds = [contestants.round(count, size) for _ in range(ROUNDS)]
    for verb in ("push", "pull"):
        figures: dict[str, list[dict[str, float]]] = {
            each: [done[verb][each] for done in rounds] for each in rounds[0][verb]
        }
        ours = figures.pop("ours")

        def of(figure: str, some: list[dict[str, float]]) -> list[float]:
            return [each[figure] for each in some]

        table.add(
            f"{verb} {name}",
            "sqlite",
            ours=of("MB/s", ours),
            unit="MB/s",
            against={each: of("MB/s", some) for each, some in figures.items()},
            at_least={
                "bare": 0.85,
                "peer": goals[verb],
                # The only chunk of a small file is the file, whose digest is found once.
                **({"named": 0.85} if "named" in figures and count == 1 else {}),
            },
        )
        # What a busy machine disturbs less than speed.
        table.add(
            f"{verb} {name}, CPU of both ends",
            "sqlite",
            ours=of("cpu", ours),
            unit="s/GB",
            against={each: of("cpu", some) for each, some in figures.items()},
        )
        for part in sorted(set(ours[0]) - {"MB/s", "cpu"}):
            table.add(f"  {verb}: {part}", "", ours=[each.get(part, 0.0) for each in ours], unit="s/GB")


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
        self._stored_before = 0
        self.sent = 0

    @property
    def stored(self) -> int:
        """Bytes of all blobs."""
        return sum(path.stat().st_size for path in self._store.rglob("*") if path.is_file())

    @property
    def added(self) -> int:
        """By how much the last push made them more."""
        return self.stored - self._stored_before

    def push(self, model: str, data: bytes, suffix: str = ".safetensors", *, settled: bool = False) -> float:
        """Push, perhaps a moment after the file was written; answers with the seconds it took."""
        path = self._path.with_suffix(suffix)
        path.write_bytes(data)
        if settled:
            time.sleep(SETTLED_SECONDS)
        return self.push_again(model, suffix)

    def push_again(self, model: str, suffix: str = ".safetensors") -> float:
        """Push the same file again."""
        path = self._path.with_suffix(suffix)
        self.sent, self._stored_before = 0, self.stored

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

    def add(
        row: str, figure: int, goal: dict[str, float], *, against: dict[str, float] | None = None
    ) -> None:
        references = {name: [value / MIB] for name, value in (against or {}).items()}
        table.add(row, "", ours=[figure / MIB], unit="MiB", against=references, at_most=goal)

    # A file that was written a moment ago is never taken for unchanged.
    first = pushed.push("one-percent", data, settled=True)
    before, sent = pushed.stored, pushed.sent
    again = pushed.push_again("one-percent")
    add("identical re-push, sent", pushed.sent, {"": 0})
    add("identical re-push, stored", pushed.added, {"": 0.01})
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
        sent += pushed.sent
    one = {"one version": 1.10}
    add("5 versions, 1 % changed, stored", pushed.stored, one, against={"one version": before})
    add("5 versions, 1 % changed, sent", sent, one, against={"one version": before})

    pushed.push("layers", layered(1, changed={9: 2, 10: 2, 11: 2}))
    changed = {"changed": size * 3 / LAYERS}
    add("last 3 of 12 layers changed, sent", pushed.sent, {"changed": 1.10}, against=changed)
    add("last 3 of 12 layers changed, stored", pushed.added, {"changed": 1.10}, against=changed)

    pushed.push("reversed", layered(1, reverse=True))
    add("tensor order reversed, sent", pushed.sent, {"": 0.01})
    # Its manifest and chunk map.
    add("tensor order reversed, stored", pushed.added, {"": 0.1})

    numbers = random.Random(7)
    plain = b"".join(numbers.randbytes(MIB) for _ in range(MODEL_MIB))
    pushed.push("plain", plain, ".bin")
    pushed.push("plain", random.Random(8).randbytes(1_000) + plain, ".bin")
    add("1 kB inserted in front of 300 MB, sent", pushed.sent, {"": 8})
    add("1 kB inserted in front of 300 MB, stored", pushed.added, {"": 8})


def with_note(data: bytes, note: str) -> bytes:
    """The same tensors under a larger header."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["note"] = note
    text = json.dumps(header).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, data[8 + length :]])
