"""How much space things take, through SDK and command line."""

from __future__ import annotations

import os
from pathlib import Path

import muniment
import pytest
from muniment import errors


def _write(directory: Path, **files: bytes) -> Path:
    directory.mkdir()
    for name, data in files.items():
        (directory / f"{name}.bin").write_bytes(data)
    return directory


@pytest.fixture
def models(registry: muniment.Registry, tmp_path: Path) -> dict[str, int]:
    """Two models that share a file, one of them with a version that was deleted; sizes of the files by name."""
    base, head, other = os.urandom(30_000), os.urandom(2_000), os.urandom(500)
    registry.push("usage-one", _write(tmp_path / "1", base=base, head=head))
    registry.push("usage-one", _write(tmp_path / "2", base=base, head=other))
    registry.push("usage-two", _write(tmp_path / "3", base=base))
    registry.delete_version(registry.push("usage-two", _write(tmp_path / "4", head=os.urandom(700))))
    return {"base": len(base), "head": len(head), "other": len(other)}


def test_usage_counts_shared_bytes_once_and_tombstones_never(
    registry: muniment.Registry, models: dict[str, int]
) -> None:
    base, head, other = models["base"], models["head"], models["other"]
    one = registry.usage("usage-one")
    assert (one.version_count, one.logical_bytes) == (2, 2 * base + head + other)
    assert (one.stored_bytes, one.shared_bytes) == (base + head + other, base)
    first = registry.usage("usage-one@1")
    assert (first.version_count, first.logical_bytes) == (1, base + head)
    assert (first.stored_bytes, first.shared_bytes) == (base + head, base)
    two = registry.usage("usage-two")
    assert (two.version_count, two.stored_bytes, two.shared_bytes) == (1, base, base)
    assert registry.usage(registry.show("usage-two@1")).stored_bytes == base
    project = registry.usage()
    assert project.stored_bytes >= one.stored_bytes
    assert project.shared_bytes == 0
    with pytest.raises(errors.ModelNotFound):
        registry.usage("usage-none")
