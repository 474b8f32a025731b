"""What the cache holds, and what of it goes when there is too much: what was not used for the longest time."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from muniment.cache.manifests import ManifestStore
from muniment.cache.partial import JOURNAL, journal_of
from muniment.cache.store import SEAL, FileStore
from muniment.cache.writing import TEMPORARY

ABANDONED_SECONDS = 7 * 86_400
"""A file that began to arrive so long ago and never did is not waited for."""

Kind = Literal["file", "partial", "manifest"]


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One thing of the cache.

    Attributes:
        kind: a whole file, one that is or was being received, or a manifest.
        size_bytes: for a partial file the bytes that the disk gives to it.
        used_ns: time of the last use, nanoseconds since the epoch.
    """

    kind: Kind
    digest: str
    size_bytes: int
    used_ns: int
    path: Path


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection did: entries and bytes that went, and that are left."""

    removed_count: int
    removed_bytes: int
    kept_count: int
    kept_bytes: int


class Retention:
    """Looks through a cache, and makes room in it."""

    def __init__(self, root: Path, files: FileStore, manifests: ManifestStore) -> None:
        self._root = root
        self._files = files
        self._manifests = manifests

    def entries(self) -> list[CacheEntry]:
        """Everything, the last used first."""
        found = [*self._whole(), *self._partial(), *self._listed()]
        return sorted(found, key=lambda entry: entry.used_ns, reverse=True)

    def collect(self, max_bytes: int) -> Collected:
        """Remove what is too much, those not used for the longest time first.

        What a running pull is receiving stays. Files that it has put in place are its own by then, and a file that
        goes before it could is fetched again.
        """
        self._tidy()
        entries = self.entries()
        kept = sum(entry.size_bytes for entry in entries)
        count = removed = 0
        abandoned = time.time_ns() - ABANDONED_SECONDS * 10**9
        # What could never stay is no reason for others to go.
        order = sorted(entries, key=lambda entry: (entry.size_bytes <= max_bytes, entry.used_ns))
        for entry in order:
            old = entry.kind == "partial" and entry.used_ns < abandoned
            if (kept > max_bytes or old) and self._remove(entry):
                kept -= entry.size_bytes
                removed += entry.size_bytes
                count += 1
        self._forget()
        return Collected(count, removed, len(entries) - count, kept)

    def _whole(self) -> Iterator[CacheEntry]:
        for path, status in _walk(self._root / "files"):
            if not path.name.endswith(SEAL):
                yield _entry("file", path, status)

    def _partial(self) -> Iterator[CacheEntry]:
        for path, status in _walk(self._root / "incoming"):
            if not path.name.endswith(JOURNAL):
                used = max(status.st_mtime_ns, _modified(journal_of(path)))
                # The size it is to have, or less where the file system gives out no blocks before they are needed.
                yield _entry(
                    "partial", path, status, size=min(status.st_size, status.st_blocks * 512), used=used
                )

    def _listed(self) -> Iterator[CacheEntry]:
        for path, status in self._manifests.listed():
            yield _entry("manifest", path, status)

    def _remove(self, entry: CacheEntry) -> bool:
        """Remove an entry; False if somebody is receiving it."""
        if entry.kind == "manifest":
            entry.path.unlink(missing_ok=True)
            return True
        lock = self._files.lock(entry.digest)
        if lock is None:
            return False
        try:
            entry.path.unlink(missing_ok=True)
            beside = SEAL if entry.kind == "file" else JOURNAL
            entry.path.with_name(entry.path.name + beside).unlink(missing_ok=True)
        finally:
            lock.release()
        return True

    def _tidy(self) -> None:
        """Remove what processes left behind that were killed: half-written files, seals and journals of none."""
        yesterday = time.time_ns() - 86_400 * 10**9
        for path in self._root.rglob(TEMPORARY + "*"):
            with suppress(FileNotFoundError):
                if path.stat(follow_symlinks=False).st_mtime_ns < yesterday:
                    path.unlink()
        for ending in (SEAL, JOURNAL):
            for path in self._root.rglob("*" + ending):
                if not path.with_name(path.name.removesuffix(ending)).exists():
                    self._remove_alone(path, ending)
        for path in (self._root / "locks").iterdir():
            lock = self._files.lock(f"sha256:{path.name}")
            if lock is not None:
                lock.release()

    def _remove_alone(self, path: Path, ending: str) -> None:
        digits = path.name.removesuffix(ending)
        lock = self._files.lock(f"sha256:{digits}")
        if lock is not None:
            try:
                # Its file may have come in this moment.
                if not path.with_name(digits).exists():
                    path.unlink(missing_ok=True)
            finally:
                lock.release()

    def _forget(self) -> None:
        """Versions whose manifests are gone need not be remembered."""
        for path, digest in self._manifests.remembered():
            if not self._manifests.path(digest).exists():
                path.unlink(missing_ok=True)


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files below a directory, those that vanish meanwhile left out."""
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory) / name
            with suppress(FileNotFoundError):
                status = path.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and not name.startswith(TEMPORARY):
                    yield path, status


def _entry(
    kind: Kind, path: Path, status: os.stat_result, *, size: int | None = None, used: int | None = None
) -> CacheEntry:
    return CacheEntry(
        kind,
        f"sha256:{path.name}",
        status.st_size if size is None else size,
        status.st_atime_ns if used is None else used,
        path,
    )


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
