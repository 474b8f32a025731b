"""The versions on disk.

::

    DIR/state.json                         what runs, and up to which revision events are done with
    DIR/lock                               held while a deployer lives
    DIR/current -> versions/7-0f3a…        what runs, for people and for processes that read files
    DIR/versions/7-0f3a1b2c4d5e/           the files of version 7, whose digest begins sha256:0f3a1b2c4d5e
    DIR/versions/7-0f3a1b2c4d5e.json       the sha256 and size of each of them, taken right after the pull
    DIR/incoming/                          pulls under way; emptied at start

A version directory appears by rename once its record is written, so what stands there was once whole. The
SDK verified it against the manifest then; ``verify`` finds out whether it still is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from muniment.transfer.directory_swap import swap_directories

from muniment_deployer.durable import point_symlink, sync_directory, write_json
from muniment_deployer.errors import DamagedVersion

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalVersion:
    """A version whose files are on this disk."""

    number: int
    digest: str
    path: Path


def directory_name(number: int, digest: str) -> str:
    """Number for people, digest so that a version of another registry is never taken for this one."""
    return f"{number}-{digest.removeprefix('sha256:')[:12]}"


class VersionStore:
    """The versions of one deployment directory."""

    def __init__(self, root: Path) -> None:
        self._versions = root / "versions"
        self._incoming = root / "incoming"
        self._current = root / "current"
        shutil.rmtree(self._incoming, ignore_errors=True)
        for directory in (self._versions, self._incoming):
            directory.mkdir(parents=True, exist_ok=True)

    def find(self, number: int, digest: str) -> LocalVersion | None:
        """The version, if a pull of it was once completed here."""
        path = self._versions / directory_name(number, digest)
        return LocalVersion(number, digest, path) if path.is_dir() else None

    def incoming(self, number: int, digest: str) -> Path:
        """A path that does not exist, to pull a version to."""
        path = self._incoming / directory_name(number, digest)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def admit(self, number: int, digest: str) -> LocalVersion:
        """Take in what was pulled to ``incoming``: record its files, then let it appear.

        Where a damaged version stands the new one takes its place in one step, as ``current`` may lead there.
        """
        name = directory_name(number, digest)
        arrived, path = self._incoming / name, self._versions / name
        write_json(self._record(path), {"number": number, "digest": digest, "files": _inventory(arrived)})
        if path.exists():
            swap_directories(arrived, path)
            shutil.rmtree(arrived, ignore_errors=True)
        else:
            arrived.rename(path)
        sync_directory(self._versions)
        return LocalVersion(number, digest, path)

    def verify(self, version: LocalVersion) -> None:
        """Hash every file of the version again.

        Raises:
            DamagedVersion: if a file is gone, added or changed, or the record is of another version.
        """
        try:
            record = json.loads(self._record(version.path).read_bytes())
            digest, expected = record["digest"], dict(record["files"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DamagedVersion(f"the record of {version.path} cannot be read: {error}") from error
        if digest != version.digest:
            raise DamagedVersion(f"{version.path} was pulled as {digest}, not {version.digest}")
        found = _inventory(version.path)
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                fate = (
                    "gone" if name not in found else "not part of it" if name not in expected else "changed"
                )
                raise DamagedVersion(f"file {name} of {version.path} is {fate}")

    def current(self) -> LocalVersion | None:
        """The version ``current`` leads to; None when it leads to none that was pulled here."""
        try:
            path = self._versions / self._current.readlink().name
            record = json.loads(self._record(path).read_bytes())
            number, digest = int(record["number"]), str(record["digest"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return self.find(number, digest) if path.name == directory_name(number, digest) else None

    def point_current(self, version: LocalVersion) -> None:
        """Let ``current`` lead to the version."""
        point_symlink(self._current, version.path)

    def prune(self, keep: Collection[str]) -> list[str]:
        """Remove every version directory whose name is not in ``keep``, and tell which went.

        What cannot be removed is logged and tried again the next time: it is in nobody's way.
        """
        removed = []
        for path in sorted(self._versions.iterdir()):
            if path.is_dir() and path.name not in keep:
                try:
                    shutil.rmtree(path)
                    self._record(path).unlink(missing_ok=True)
                except OSError as error:
                    log.warning("%s cannot be removed: %s", path, error)
                else:
                    removed.append(path.name)
        return removed

    @staticmethod
    def _record(path: Path) -> Path:
        return path.with_name(path.name + ".json")


def _inventory(directory: Path) -> dict[str, dict[str, str | int]]:
    """What is in a directory, by relative path: sha256 and size of files, the target of symlinks."""
    found: dict[str, dict[str, str | int]] = {}
    for parent, directories, names in os.walk(directory):
        links = [name for name in directories if (Path(parent) / name).is_symlink()]
        for name in [*names, *links]:
            path = Path(parent) / name
            relative = path.relative_to(directory).as_posix()
            if path.is_symlink():
                found[relative] = {"symlink": str(path.readlink())}
                continue
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
            found[relative] = {"sha256": digest.hexdigest(), "size": path.stat().st_size}
    return found
