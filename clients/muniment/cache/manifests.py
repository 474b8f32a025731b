"""Manifests that were had before, and which versions they were: a pull by digest needs no registry then.

A manifest is held by its digest. Its chunk map is not, and need not be: chunks are hashed wherever they come from.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from muniment.cache.writing import TEMPORARY, write_whole
from muniment.manifest import ListedFile, UntrueManifest, checked_files
from muniment.names import Selector
from muniment.v1 import artifact_service_pb2 as pb

STATES = ("READY", "ARCHIVED")
"""Of versions that are remembered: of others the registry has to be asked."""


@dataclass(frozen=True, slots=True)
class RememberedVersion:
    """What a registry said of a version when it was pulled.

    Attributes:
        target: where that registry was.
    """

    target: str
    name: str
    number: int
    digest: str
    state: str
    size_bytes: int
    file_count: int


class ManifestStore:
    """The manifests below a directory."""

    def __init__(self, root: Path) -> None:
        self._manifests = root / "manifests"
        self._versions = root / "versions"

    def make(self) -> None:
        """Make the directories."""
        for directory in (self._manifests, self._versions):
            directory.mkdir(mode=0o700, exist_ok=True)

    def load(self, digest: str) -> tuple[pb.Manifest, list[ListedFile]] | None:
        """A manifest and the files it names; None if it is not here, or cannot be believed and is gone now."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
            manifest = pb.Manifest.FromString(data)
            files = checked_files(manifest, digest)
        except OSError:
            return None
        except (DecodeError, UntrueManifest):
            self.drop(digest)
            return None
        with suppress(OSError):
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
        return manifest, files

    def keep(self, manifest: pb.Manifest) -> None:
        """Keep a manifest that was checked."""
        path = self.path(manifest.digest)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(path, manifest.SerializeToString())

    def drop(self, digest: str) -> None:
        """Remove a manifest."""
        self.path(digest).unlink(missing_ok=True)

    def newest(self, most_bytes: int) -> Iterator[pb.Manifest]:
        """Manifests as they are kept, the last used first, while they make no more than so many bytes."""
        found = sorted(
            ((status.st_atime_ns, status.st_size, path) for path, status in self.listed()), reverse=True
        )
        for _, size, path in found:
            most_bytes -= size
            if most_bytes < 0:
                return
            with suppress(OSError, DecodeError):
                yield pb.Manifest.FromString(path.read_bytes())

    def listed(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every manifest that is here."""
        for path in sorted(self._manifests.glob("??/*")):
            with suppress(FileNotFoundError):
                if not path.name.startswith(TEMPORARY):
                    yield path, path.stat(follow_symlinks=False)

    def path(self, digest: str) -> Path:
        """Where the manifest of a digest is, if it is here."""
        digits = digest.removeprefix("sha256:")
        return self._manifests / digits[:2] / digits

    def remember(self, selector: Selector, version: RememberedVersion) -> None:
        """Keep which version a selector with a digest means."""
        path = self._version_path(selector)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(version)).encode())

    def recall(self, selector: Selector) -> RememberedVersion | None:
        """Which version a selector with a digest meant; None if that is not known."""
        version = _read(self._version_path(selector))
        if version is None:
            return None
        of_model = selector.of_model.text
        sound = (
            version.digest == selector.selector
            and version.name == f"{of_model}/versions/{version.number}"
            and version.state in STATES
            and all(type(getattr(version, field)) is int for field in ("number", "size_bytes", "file_count"))
        )
        return version if sound else None

    def remembered(self) -> Iterator[tuple[Path, str]]:
        """Every remembered version: its file, and the digest of its manifest."""
        for path in sorted(self._versions.glob("*/*/*")):
            if not path.name.startswith(TEMPORARY):
                yield path, f"sha256:{path.name}"

    def names(self) -> dict[str, str]:
        """Resource names of remembered versions, by digest; of several with one digest the last by name."""
        read = (_read(path) for path, _ in self.remembered())
        return {version.digest: version.name for version in read if version is not None}

    def _version_path(self, selector: Selector) -> Path:
        digits = selector.selector.removeprefix("sha256:")
        return self._versions / selector.project / selector.model / digits


def _read(path: Path) -> RememberedVersion | None:
    try:
        return RememberedVersion(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
