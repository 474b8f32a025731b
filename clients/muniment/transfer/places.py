"""Where the files of a manifest go in the directory that is filled, by what is in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from muniment.cache.linking import Linker
from muniment.cache.store import FileStore
from muniment.errors import DownloadRefused
from muniment.manifest import ListedFile


class Places:
    """The paths of each digest: the same bytes are received once, wherever they go."""

    def __init__(self, tree: Path, files: Iterable[ListedFile]) -> None:
        """Gather files that have the same bytes.

        Raises:
            DownloadRefused: if files with one digest differ in size.
        """
        self.tree = tree
        self._linker = Linker()
        self._made: set[Path] = set()
        self._files: dict[str, list[ListedFile]] = {}
        for file in files:
            self._files.setdefault(file.digest, []).append(file)
        for same in self._files.values():
            for one, other in itertools.pairwise(same):
                if one.size != other.size:
                    raise DownloadRefused(
                        f"{one.path} and {other.path} have one digest, while they have {one.size} and "
                        f"{other.size} bytes"
                    )

    def __iter__(self) -> Iterator[str]:
        """The digests, in the order of the manifest."""
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def file(self, digest: str) -> ListedFile:
        """A file with these bytes."""
        return self._files[digest][0]

    def copies(self, digest: str) -> int:
        """How many files have these bytes."""
        return len(self._files[digest])

    def put(self, store: FileStore, digest: str, *, fresh: bool = False) -> bool:
        """Put a file in place everywhere; False, and it is nowhere, if the store does not have it.

        Raises:
            OSError: if the disk refuses.
        """
        if not fresh and not store.has(digest):
            return False
        for count, file in enumerate(self._files[digest]):
            place = self.tree / file.path
            self._make(place.parent)
            if not store.put(file, place, self._linker, fresh=fresh):
                for placed in self._files[digest][:count]:
                    (self.tree / placed.path).unlink()
                return False
        return True

    def _make(self, directory: Path) -> None:
        # Several threads may make one at the same time, which is fine.
        if directory not in self._made:
            directory.mkdir(parents=True, exist_ok=True)
            self._made.add(directory)

    def is_filled(self, digest: str) -> bool:
        """Whether these bytes are in place."""
        return (self.tree / self._files[digest][-1].path).exists()
