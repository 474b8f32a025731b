"""Whether there is room for what a pull is going to receive, found out before it travels."""

from __future__ import annotations

import os
from collections.abc import Iterable

from muniment.cache.cache import Cache
from muniment.cache.store import FileStore
from muniment.errors import CannotWrite
from muniment.manifest import ListedFile


def with_room(
    store: FileStore, private: FileStore, cache: Cache | None, files: Iterable[ListedFile]
) -> FileStore:
    """The store to receive files in: the one that was meant, or ``private`` if the cache is on a disk too small.

    Raises:
        CannotWrite: if neither has room. A manifest may tell any size: nothing is prepared for one that no disk
            holds.
    """
    listed = list(files)
    missing = _missing(store, listed)
    if missing <= 0:
        return store
    if cache is not None and store is cache.files:
        held = sum(entry.size_bytes for entry in cache.entries())
        # What is received now is used now; what was not for the longest time goes.
        cache.collect(max(0, held - missing))
        if _missing(store, listed) <= 0:
            return store
        if not cache.is_on_device_of(private.root.parent):
            private.make()
            store, missing = private, _missing(private, listed)
            if missing <= 0:
                return store
    raise CannotWrite(f"{store.root} has no room: {missing} bytes more are needed than are free")


def _missing(store: FileStore, files: Iterable[ListedFile]) -> int:
    """How many bytes more are needed than are free."""
    status = os.statvfs(store.root)
    if not status.f_blocks:
        return 0  # a file system that does not say how large it is
    needed = sum(file.size - store.partial(file).allocated_bytes() for file in files)
    return needed - status.f_bavail * status.f_frsize
