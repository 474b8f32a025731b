"""The cache as a whole: made when it is first needed, and left alone where it cannot be used."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from muniment.cache.manifests import ManifestStore
from muniment.cache.retention import CacheEntry, Collected, Retention
from muniment.cache.settings import CacheSettings
from muniment.cache.store import FileStore
from muniment.errors import CacheRefused

LAYOUT = "v1"

_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This directory is the cache of Muniment: all in it can be fetched again.
# About this file see https://bford.info/cachedir/
"""


class Cache:
    """Files, manifests and what becomes of them, in the directory of one user."""

    def __init__(self, settings: CacheSettings) -> None:
        """Remember where it is; nothing is made or read yet."""
        self.settings = settings
        self.root = settings.directory / LAYOUT
        self.files = FileStore(self.root)
        self.manifests = ManifestStore(self.root)
        self.retention = Retention(self.root, self.files, self.manifests)
        self._known_usable = False

    def usable(self) -> bool:
        """Whether the cache is there and ours, made if it was not. False only for one that nobody named.

        Raises:
            CacheRefused: if somebody named it, and it cannot be used.
        """
        # It may have been removed since: all that is in it can be fetched again.
        if self._known_usable and self.root.is_dir():
            return True
        try:
            self._make()
        except OSError as error:
            problem = f"cannot be used: {error.strerror or error}"
        else:
            problem = self._objection()
            if not problem:
                self._known_usable = True
                return True
        if self.settings.chosen:
            raise CacheRefused(f"the cache in {self.settings.directory} {problem}")
        return False

    def is_on_device_of(self, path: Path) -> bool:
        """Whether files can go from here to a directory without their bytes being copied."""
        return self.root.stat().st_dev == path.stat().st_dev

    def entries(self) -> list[CacheEntry]:
        """Everything in the cache, the last used first."""
        return self.retention.entries() if self.root.is_dir() and self.usable() else []

    def collect(self, max_bytes: int | None = None) -> Collected:
        """Make room: remove what was not used for the longest time until no more than so many bytes are left.

        Args:
            max_bytes: default what the cache may hold.

        Raises:
            CacheRefused: if the cache is not ours, or does not let go of its files.
        """
        if not (self.root.is_dir() and self.usable()):
            return Collected(0, 0, 0, 0)
        try:
            return self.retention.collect(self.settings.max_bytes if max_bytes is None else max_bytes)
        except OSError as error:
            raise CacheRefused(
                f"the cache in {self.settings.directory} cannot be cleared up: {error.strerror or error}"
            ) from error

    def _make(self) -> None:
        if not self.root.is_dir():
            self.settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.files.make()
        self.manifests.make()
        tag = self.root / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_TAG)

    def _objection(self) -> str:
        """What speaks against the directory. What others can write to, they could exchange."""
        status = self.root.stat(follow_symlinks=False)
        if status.st_uid != os.geteuid():
            return "belongs to another user"
        if status.st_mode & 0o077:
            self.root.chmod(0o700)
        if not os.access(self.root, os.W_OK | os.X_OK):
            return "cannot be written to"
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return ""
        except OSError:
            return "is on a file system without locks"
        else:
            return ""
        finally:
            with suppress(OSError):
                os.close(descriptor)
