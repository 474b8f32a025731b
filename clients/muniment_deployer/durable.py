"""Small durable file operations: after they return, a power cut cannot undo or halve them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Replace a file by the JSON of a value: readers see the old text or the new, never a part."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_directory(path.parent)


def point_symlink(link: Path, target: Path) -> None:
    """Make a symlink point to a sibling in one step: at every moment it leads somewhere whole."""
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target.relative_to(link.parent))
    beside.replace(link)
    sync_directory(link.parent)
