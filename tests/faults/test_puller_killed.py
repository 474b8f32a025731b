"""`kill -9` of clients that pull: nothing half-visible, and what had arrived is not fetched again."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import muniment
import pytest
from harness.processes import ProcessRunner, RunningProcess
from harness.server import ServerProcess

MIB = 1024 * 1024
LARGE_BYTES = 40 * MIB
SMALL_FILES = 8
SEED = 11

LOST_BYTES = 4 * 5 * MIB
"""What a kill may cost at most: four lanes, each in the middle of a chunk of at most 4 MiB, and of each a frame
that was written and not noted."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory with a file of many chunks and several of one."""
    directory = tmp_path / "model"
    directory.mkdir()
    content = random.Random(SEED)
    (directory / "weights.bin").write_bytes(content.randbytes(LARGE_BYTES))
    for number in range(SMALL_FILES):
        (directory / f"part-{number}.bin").write_bytes(content.randbytes(MIB))
    return directory


@pytest.fixture
def pull(
    processes: ProcessRunner, start_worker: Callable[..., RunningProcess], server: ServerProcess
) -> Callable[..., RunningProcess]:
    """Starts a process that pulls, with a cache in a directory or `off`: `pull(version, into, cache)`.

    With a number of bytes it kills itself when so many have come.
    """

    def start(version: muniment.Version, into: Path, cache: Path | str, *last: int) -> RunningProcess:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("MUNIMENT_CACHE", str(cache))
            return start_worker("pull_one", server, f"churn@{version.number}", into, *last)

    return start


@pytest.mark.soak
@pytest.mark.parametrize("cache", ["cache", "off"])
def test_a_pull_that_is_killed_again_and_again_ends_with_the_right_bytes_and_fetches_few_of_them_twice(
    server: ServerProcess,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    pull: Callable[..., RunningProcess],
    model: Path,
    tmp_path: Path,
    soak: bool,
    cache: str,
) -> None:
    version = registry_of(server).push("churn", model)
    moments = random.Random(SEED)
    where = "off" if cache == "off" else tmp_path / cache
    for attempt in range(25 if soak else 1):
        out = tmp_path / f"out-{attempt}"
        total = 0
        # Two kills, the second of a pull that goes on, both long before the end; then one that is let through.
        for reached in (moments.uniform(0.2, 0.6), moments.uniform(0.2, 0.7), None):
            last = [] if reached is None else [int(reached * (version.size_bytes - total))]
            puller = pull(version, out, where, *last)
            assert puller.wait() == (-signal.SIGKILL if last else 0), puller.stderr
            total += _fetched(puller)
            assert out.exists() == (reached is None)
        assert _contents(out) == _contents(model)
        assert version.size_bytes - LOST_BYTES <= total <= version.size_bytes + 2 * LOST_BYTES
        registry_of(server).pull(version, tmp_path / f"after-{attempt}")
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".muniment-")] == []
        # The next attempt begins with nothing.
        shutil.rmtree(where / "v1" if isinstance(where, Path) else tmp_path / "none", ignore_errors=True)
    # Clients go away; that is no error of the server.
    assert "Traceback" not in server.process.stderr


@pytest.mark.soak
@pytest.mark.parametrize("cache", ["cache", "off"])
def test_a_pull_killed_at_any_moment_leaves_all_files_or_none_and_can_be_repeated(
    server: ServerProcess,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    pull: Callable[..., RunningProcess],
    model: Path,
    tmp_path: Path,
    soak: bool,
    cache: str,
) -> None:
    version = registry_of(server).push("churn", model)
    moments = random.Random(SEED)
    whole = pull(version, tmp_path / "whole", "off" if cache == "off" else tmp_path / "whole-cache")
    whole.wait_for_line("^fetched")
    begun = time.monotonic()
    assert whole.wait() == 0, whole.stderr
    took = time.monotonic() - begun
    for attempt in range(25 if soak else 2):
        out = tmp_path / f"out-{attempt}"
        where = "off" if cache == "off" else tmp_path / f"cache-{attempt}"
        total = 0
        for _ in range(2):
            puller = pull(version, out, where)
            puller.wait_for_line("^(fetched|pulled)")
            # The random moment, in whatever it is doing: writing, noting, synchronising, linking, renaming.
            time.sleep(moments.uniform(0.0, took))
            puller.kill9()
            total += _fetched(puller)
            if out.exists():
                break
        else:
            puller = pull(version, out, where)
            assert puller.wait() == 0, puller.stderr
            total += _fetched(puller)
        assert _contents(out) == _contents(model)
        assert total <= version.size_bytes + 2 * LOST_BYTES
        registry_of(server).pull(version, tmp_path / f"after-{attempt}")
        assert [path for path in tmp_path.iterdir() if path.name.startswith(".muniment-")] == []


@pytest.mark.soak
def test_two_pulls_beside_each_other_fetch_once_and_one_takes_over_when_the_other_is_killed(
    server: ServerProcess,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    pull: Callable[..., RunningProcess],
    model: Path,
    tmp_path: Path,
    until: Callable[..., None],
    soak: bool,
) -> None:
    version = registry_of(server).push("churn", model)
    moments = random.Random(SEED)
    for attempt in range(20 if soak else 2):
        cache = tmp_path / f"cache-{attempt}"
        outs = [tmp_path / f"{name}-{attempt}" for name in ("first", "second")]
        first, second = pullers = [pull(version, out, cache) for out in outs]
        if attempt % 2:
            reached = moments.randrange(1, version.size_bytes // 2)
            until(lambda: max(map(_fetched, pullers)) >= reached, "bytes arrive")  # noqa: B023
            victim = max(pullers, key=_fetched)
            victim.kill9()
            pullers.remove(victim)
        for puller in pullers:
            assert puller.wait() == 0, puller.stderr
            assert _contents(outs[0] if puller is first else outs[1]) == _contents(model)
        total = _fetched(first) + _fetched(second)
        # Nothing comes twice but what a killed pull had not noted.
        assert total <= version.size_bytes + (LOST_BYTES if attempt % 2 else 0)


def _fetched(process: RunningProcess) -> int:
    """Bytes that came over the network."""
    lines = [line.split() for line in process.lines if line.startswith("fetched ")]
    return int(lines[-1][1]) if lines else 0


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}
