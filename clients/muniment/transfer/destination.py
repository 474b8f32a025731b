"""Which directories a pull may make or replace: all that can be known is known before anything is fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from muniment import local
from muniment.errors import CannotWrite, DestinationRefused

MOUNTS = Path("/proc/self/mountinfo")
REGISTRY_FILES = ("muniment.db", local.ADMIN_TOKEN_FILE)
"""What stands in the data directory of a registry and cannot be had again."""

IS_MOUNTED = "is a mount point, which cannot be replaced as a whole: name a directory in it"


def check_destination(into: Path, *, overwrite: bool, registry: Path | None = None) -> Path:
    """The absolute path of the directory to make.

    Args:
        into: as it was given.
        overwrite: whether a directory that holds something may go.
        registry: data directory of the registry that is pulled from, when it is an embedded one.

    Raises:
        DestinationRefused: if something is there that must stay.
        CannotWrite: if no directory can be made there.
    """
    try:
        destination = Path(os.path.abspath(into))  # noqa: PTH100  # resolve() would follow a link that stands there
        if destination.is_symlink():
            raise DestinationRefused(f"{into} is a symbolic link: name the directory itself")
        if destination.exists():
            _check_standing(into, destination, overwrite=overwrite)
        if overwrite:
            check_expendable(destination, registry)
        _check_above(into, destination)
    except (OSError, ValueError) as error:
        raise CannotWrite(f"{into} cannot be used: {getattr(error, 'strerror', None) or error}") from error
    return destination


def check_expendable(destination: Path, registry: Path | None) -> None:
    """Make sure that no registry, and nobody's home, is lost with a directory.

    Raises:
        DestinationRefused: if one would be.
    """
    if any((destination / name).exists() for name in REGISTRY_FILES):
        raise DestinationRefused(f"{destination} is the data directory of a registry: name another directory")
    resolved = destination.resolve()
    for kept, what in _kept(registry):
        if kept.resolve().is_relative_to(resolved):
            raise DestinationRefused(f"{destination} is or holds {what}: name another directory")


def _kept(registry: Path | None) -> Iterator[tuple[Path, str]]:
    if registry is not None:
        yield registry, "the registry that is pulled from"
    try:
        yield Path.home(), "your home directory"
        data = local.default_data_dir()
    except RuntimeError:
        return  # this user has no home directory
    if data.exists():
        yield data, "the data directory of a registry"


def _check_standing(into: Path, destination: Path, *, overwrite: bool) -> None:
    if not destination.is_dir():
        raise DestinationRefused(f"{into} is a file, while a directory is to be made there")
    if _is_mounted(destination):
        raise DestinationRefused(f"{into} {IS_MOUNTED}")
    if _working_directory().is_relative_to(destination):
        raise DestinationRefused(f"{into} is the working directory or above it: name a directory in it")
    if not overwrite and any(destination.iterdir()):
        raise DestinationRefused(f"{into} is not empty: name another directory, or ask to overwrite it")


def _check_above(into: Path, destination: Path) -> None:
    """The nearest directory that exists has to take a new one."""
    above = next(parent for parent in destination.parents if parent.exists())
    if not above.is_dir():
        raise DestinationRefused(f"{into} lies below {above}, which is a file")
    if not os.access(above, os.W_OK | os.X_OK):
        raise CannotWrite(f"{into} cannot be made: {above} is not open to you for writing")


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.devnull)  # it is gone, so nothing that exists is above it


def _is_mounted(directory: Path) -> bool:
    """Whether something is mounted there, a directory of the same file system included."""
    if os.path.ismount(directory):
        return True
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return False
    # The fifth field is the mount point, with blanks and the like as octal numbers (see proc(5)).
    points = (line.split(" ")[4] for line in lines if line.count(" ") > 4)
    here = str(directory.resolve())
    return any(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point) == here for point in points)
