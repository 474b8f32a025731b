"""Whole files by digest, verified when they are put in and looked at when they are taken out."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from muniment.cache.linking import Linker, copy, hash_open
from muniment.cache.locks import DigestLock, stands_at
from muniment.cache.partial import Partial
from muniment.cache.seal import Seal
from muniment.digests import Digest, InvalidDigest
from muniment.manifest import ListedFile

SHARED_BYTES = 1024 * 1024
"""Smaller files are always copied into place: they are the ones people edit, and copying them costs nothing."""

LOOKS = 8
"""How often a file is looked at again that others change or exchange meanwhile. Each look may hash all of it."""

SEAL = ".seal"
_SECOND = 10**9


class Lock(Protocol):
    """Something that is held."""

    def release(self) -> None: ...


class FileStore:
    """The files below one directory, shared with other processes of the user."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = root / "files"
        self._incoming = root / "incoming"
        self._locks = root / "locks"

    def make(self) -> None:
        """Make the directories."""
        for directory in (self.root, self._files, self._incoming, self._locks):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the file of a digest is, if it is here."""
        return Path(self._place(digest))

    def _place(self, digest: str) -> str:
        """The same as text: thousands of files are looked for at once."""
        digits = digest.removeprefix("sha256:")
        return f"{self._files}/{digits[:2]}/{digits}"

    def has(self, digest: str) -> bool:
        """Whether there is a file for a text that may be a digest, right or not."""
        try:
            return os.path.exists(self._place(Digest.parse(digest).text))  # noqa: PTH110 - see there
        except InvalidDigest:
            return False

    def lock(self, digest: str) -> Lock | None:
        """The right to receive a file; None while somebody else has it."""
        return DigestLock.attempt(self._locks / digest.removeprefix("sha256:"))

    def partial(self, file: ListedFile) -> Partial:
        """The file while it is being received."""
        return Partial(self._incoming, file)

    @property
    def is_shared(self) -> bool:
        """Whether others may put files in at any moment."""
        return True

    def durable(self, file: ListedFile) -> bool:
        """Whether a file has to be durable before it is admitted; what is copied later is compared then."""
        return self.shares(file)

    def shares(self, file: ListedFile) -> bool:
        """Whether a file is put in place without a copy if it can be."""
        return file.size >= SHARED_BYTES

    def admit(self, file: ListedFile, partial: Partial) -> None:
        """Take in a file that was received and found right."""
        target = self.path(file.digest)
        self._prepare(partial.path)
        try:
            partial.path.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            partial.path.replace(target)
        partial.admitted()

    def put(self, file: ListedFile, destination: Path, linker: Linker, *, fresh: bool = False) -> bool:
        """Put a file in place; False if it is not here, or was not right and is gone now.

        Args:
            file: which one.
            destination: where nothing is, in a directory that is there.
            linker: knows what can be done there.
            fresh: whether the caller has just found it right, and admitted it.
        """
        for _ in range(LOOKS):
            with self._opened(file) as descriptor:
                if descriptor is None:
                    return False
                try:
                    return self._placed(file, descriptor, destination, linker, fresh=fresh)
                except FileNotFoundError:
                    if stands_at(self.path(file.digest), descriptor):
                        raise
            # It was removed in this moment, to make room; another one may have come since.
            fresh = False
        return False

    @contextmanager
    def reading(self, file: ListedFile) -> Iterator[int | None]:
        """The descriptor of a file that was found right, or None if it is not here."""
        with self._opened(file) as descriptor:
            seal = self._sound(file, descriptor) if descriptor is not None else None
            if descriptor is None or seal is None:
                yield None
            else:
                self._used(self.path(file.digest), descriptor, seal)
                yield descriptor

    @contextmanager
    def _opened(self, file: ListedFile) -> Iterator[int | None]:
        try:
            descriptor = os.open(self._place(file.digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            yield None
            return
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size == file.size:
                yield descriptor
            else:
                self._drop(self.path(file.digest), descriptor)
                yield None
        finally:
            os.close(descriptor)

    def _placed(
        self, file: ListedFile, descriptor: int, destination: Path, linker: Linker, *, fresh: bool
    ) -> bool:
        """Put an open file in place; False if it was not right and is gone now.

        Raises:
            FileNotFoundError: if it does not stand in its place any more, or the destination is gone.
        """
        path = self.path(file.digest)
        if self.shares(file):
            seal = Seal.of(os.fstat(descriptor)) if fresh else self._sound(file, descriptor)
            if seal is None:
                return False
            if linker.share(path, descriptor, destination):
                self._used(path, descriptor, seal)
                return True
        if copy(descriptor, file.digest, file.size, destination):
            self._used(path, descriptor, None)
            return True
        self._drop(path, descriptor)
        return False

    def _sound(self, file: ListedFile, descriptor: int) -> Seal | None:
        """How the file looks, if its bytes are right; one that they are not of goes.

        Who puts it somewhere else meanwhile changes how it looks, as who writes to it does: then it is looked at
        again. One that never looks the same twice is not believed, and stays for those who use it.
        """
        path = self.path(file.digest)
        for _ in range(LOOKS):
            seal = Seal.of(os.fstat(descriptor))
            if seal == Seal.read(_seal_of(path)):
                return seal
            if hash_open(descriptor) != file.digest:
                self._drop(path, descriptor)
                return None
            if seal == Seal.of(os.fstat(descriptor)):
                return seal
        return None

    def _used(self, path: Path, descriptor: int, seal: Seal | None) -> None:
        """Note that a file was used, and with its seal that it was right: both may be lost."""
        with suppress(OSError):
            os.utime(descriptor, ns=(time.time_ns(), os.fstat(descriptor).st_mtime_ns))
            status = os.fstat(descriptor)
            # What somebody wrote meanwhile is not sealed.
            if seal is not None and seal.same_bytes(status):
                Seal.of(status).write(_seal_of(path))

    def _prepare(self, path: Path) -> None:
        """Make a file one that is only read, and that shows when it is written to after all."""
        now = time.time_ns()
        path.chmod(0o444)
        # A second ago: clocks of file systems tick slowly, and what is written in this tick has to be told apart.
        os.utime(path, ns=(now, now - _SECOND))

    def _drop(self, path: Path, descriptor: int) -> None:
        """Remove a file that is not what its name says, unless another one has taken its place."""
        with suppress(FileNotFoundError):
            if stands_at(path, descriptor):
                path.unlink()
                _seal_of(path).unlink(missing_ok=True)


class _Nothing:
    def release(self) -> None: ...


class PrivateStore(FileStore):
    """A store for one pull alone, beside its destination: what it holds is put in place and stays writable."""

    def lock(self, digest: str) -> Lock | None:
        """The directory is locked already."""
        del digest
        return _Nothing()

    @property
    def is_shared(self) -> bool:
        """Nobody else knows of it."""
        return False

    def shares(self, file: ListedFile) -> bool:
        """Nobody else has the file."""
        del file
        return True

    def _used(self, path: Path, descriptor: int, seal: Seal | None) -> None:
        """It is for this pull alone: one that goes on with it hashes it."""

    def _prepare(self, path: Path) -> None:
        """Leave it as it is: it is put in place, and then there is no other name of it."""


def _seal_of(path: Path) -> Path:
    return path.with_name(path.name + SEAL)
