"""What is pushed: the files of a directory, found safely, and read without being fooled while they change."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muniment.errors import (
    CannotRead,
    EmptyDirectory,
    FileChanged,
    InvalidPath,
    SourceMissing,
    SourceRefused,
    SymlinkRefused,
)
from muniment.file_paths import MAX_PARTS, MAX_PATH_BYTES, UnsafePath, check_distinct, check_path


@dataclass(frozen=True, slots=True)
class Signature:
    """By what a file is known to be the same and unchanged, without reading it."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Signature:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to push.

    Attributes:
        path: its path in the version.
        location: where it is, symbolic links resolved.
        signature: how it was when it was found.
    """

    path: str
    location: Path
    signature: Signature

    @property
    def size(self) -> int:
        return self.signature.size

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open the file; it must be unchanged before and after.

        Raises:
            FileChanged: if it is not.
            CannotRead: if it cannot be opened.
        """
        try:
            # Neither follows a link nor waits for a writer, if something else stands there by now.
            descriptor = os.open(self.location, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise self.changed("is gone") from None
        except OSError as error:
            raise CannotRead(f"{self.location} cannot be read: {error.strerror}") from error
        try:
            self._compare(os.fstat(descriptor))
            yield descriptor
            self._compare(os.fstat(descriptor))
        except OSError as error:
            raise CannotRead(f"{self.location} cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Make sure that the file is still the one that was found.

        Raises:
            FileChanged: if it is not.
        """
        try:
            self._compare(self.location.stat(follow_symlinks=False))
        except OSError:
            raise self.changed("is gone") from None

    def changed(self, how: str) -> FileChanged:
        return FileChanged(f"{self.location} {how} while it was pushed")

    def _compare(self, status: os.stat_result) -> None:
        now = Signature.of(status)
        if now.size != self.size:
            raise self.changed(f"had {self.size} bytes and has {now.size},")
        if now != self.signature:
            raise self.changed("changed")


def find_files(path: Path) -> list[SourceFile]:
    """The files below a directory, or the one file ``path`` is, ordered by path.

    Symbolic links inside the directory stand for what they point to. Empty directories are left out.

    Raises:
        SourceMissing: if ``path`` does not exist.
        EmptyDirectory: if it holds no file.
        SymlinkRefused: if a link leads out of the directory, in a circle, or nowhere.
        SourceRefused: if something is neither file nor directory.
        InvalidPath: if a file's name cannot be kept.
        CannotRead: if a directory cannot be listed.
    """
    try:
        root = path.resolve(strict=True)
        status = root.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise SourceMissing(f"{path} does not exist") from None
    except OSError as error:
        raise CannotRead(f"{path} cannot be read: {error.strerror}") from error
    except (RuntimeError, ValueError) as error:
        raise CannotRead(f"{path} cannot be read: {error}") from error
    if stat.S_ISREG(status.st_mode):
        files = [SourceFile(unicodedata.normalize("NFC", path.name or root.name), root, Signature.of(status))]
    elif stat.S_ISDIR(status.st_mode):
        files = sorted(_Walk(root).below(root, "", ()), key=lambda file: file.path)
    else:
        raise SourceRefused(f"{path} is neither a file nor a directory")
    if not files:
        raise EmptyDirectory(f"{path} holds no file")
    try:
        for file in files:
            check_path(file.path)
        check_distinct(file.path for file in files)
    except UnsafePath as error:
        raise InvalidPath(str(error), "INVALID_PATH") from error
    return files


class _Walk:
    def __init__(self, root: Path) -> None:
        self._root = root

    def below(self, directory: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[SourceFile]:
        if len(above) >= MAX_PARTS:
            raise InvalidPath(f"{directory} lies more than {MAX_PARTS} directories deep", "INVALID_PATH")
        try:
            with os.scandir(directory) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise CannotRead(f"{directory} cannot be read: {error.strerror}") from error
        names: dict[str, str] = {}
        for entry in found:
            name = unicodedata.normalize("NFC", entry.name)
            if (other := names.setdefault(name, entry.name)) != entry.name:
                raise InvalidPath(
                    f"{directory} holds {other!a} and {entry.name!a}, which differ by Unicode form only",
                    "INVALID_PATH",
                )
            location = Path(entry.path)
            if entry.is_symlink():
                location = self._target(location)
            try:
                status = location.stat(follow_symlinks=False)
            except OSError as error:
                raise CannotRead(f"{location} cannot be read: {error.strerror}") from error
            path = prefix + name
            if len(path) > MAX_PATH_BYTES:
                # Whatever is below cannot be kept either, and may be deeper than Python can go.
                raise InvalidPath(
                    f"file path {path[:200]!r} is longer than {MAX_PATH_BYTES} bytes", "INVALID_PATH"
                )
            if stat.S_ISDIR(status.st_mode):
                if location == directory or location in above:
                    raise SymlinkRefused(f"{entry.path} links to a directory it is in")
                yield from self.below(location, path + "/", (*above, directory))
            elif stat.S_ISREG(status.st_mode):
                yield SourceFile(path, location, Signature.of(status))
            else:
                raise SourceRefused(f"{entry.path} is neither a file nor a directory")

    def _target(self, link: Path) -> Path:
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise SymlinkRefused(f"{link} links to something that is not there") from error
        if not target.is_relative_to(self._root):
            raise SymlinkRefused(f"{link} links to {target}, which is outside {self._root}")
        return target
