"""`kill -9` of the server at random moments of a push and of a pull: the same call goes on, and ends well."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import muniment
import pytest
from harness.server import ServerProcess

MIB = 1024 * 1024
SEED = 5
LARGE, SMALL = 24 * MIB, 8


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_pushes_and_pulls_go_on_after_the_server_was_killed_and_nothing_is_damaged(
    server: ServerProcess,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    check_storage: Callable[..., None],
    tmp_path: Path,
    soak: bool,
) -> None:
    moments = random.Random(SEED)
    killed = []

    def killing(phase: str, size: int) -> Callable[[str, int, int], None]:
        aims = sorted(moments.randrange(size) for _ in range(2 if soak else 1))

        def tell(current: str, done: int, total: int) -> None:
            if current == phase and aims and done >= aims[0]:
                killed.append((current, done, total))
                aims.pop(0)
                server.kill9()
                server.restart()

        return tell

    for attempt in range(25 if soak else 1):
        model = tmp_path / f"model-{attempt}"
        contents = _write(model, random.Random(f"{SEED} {attempt}"))
        size = sum(map(len, contents.values()))
        registry = registry_of(server)
        version = registry.push("churn", model, progress=killing("push", size))
        assert (version.number, version.size_bytes) == (attempt + 1, size)
        out = registry.pull(version, tmp_path / f"out-{attempt}", progress=killing("pull", size))
        assert {path.name: path.read_bytes() for path in out.iterdir()} == contents
    assert {phase for phase, _, _ in killed} == {"push", "pull"}
    check_storage(server)


def _write(model: Path, content: random.Random) -> dict[str, bytes]:
    """A model with a file of many chunks and several of one."""
    model.mkdir()
    contents = {"weights.bin": content.randbytes(LARGE)}
    contents |= {f"part-{number}.bin": content.randbytes(MIB) for number in range(SMALL)}
    for name, data in contents.items():
        (model / name).write_bytes(data)
    return contents
