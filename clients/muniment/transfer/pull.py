"""Pull: a version's files, verified against its digest, appear whole in a directory or not at all."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

from muniment.cache.cache import Cache
from muniment.cache.manifests import STATES, RememberedVersion
from muniment.cache.store import PrivateStore
from muniment.errors import CacheRefused, DownloadRefused
from muniment.manifest import ListedFile, UntrueManifest, checked_files
from muniment.names import Selector
from muniment.registry.session import Session
from muniment.transfer.destination import check_destination, check_expendable
from muniment.transfer.lazy import OpenVersion
from muniment.transfer.obtaining import Obtaining
from muniment.transfer.placing import Workshop, replaced
from muniment.transfer.progress import Progress, ProgressOption, phase
from muniment.v1 import artifact_service_pb2 as pb
from muniment.values import Version

DELETED = "DELETED"


def pull(
    session: Session, version: Version, into: Path, *, overwrite: bool, progress: ProgressOption
) -> Path:
    """Fetch a version into ``into``.

    Raises:
        MunimentError: see :meth:`muniment.registry.client.Registry.pull`; then ``into`` is as it was.
    """
    destination = check_destination(into, overwrite=overwrite, registry=session.directory)
    cache = session.usable_cache()
    kept = _kept_manifest(session, version)
    manifest, files = kept or _fetched_manifest(session, version)
    expendable = partial(check_expendable, destination, session.directory)
    with replaced(destination, overwrite=overwrite, what=version.digest, check=expendable) as workshop:
        with phase(progress, "pull", sum(file.size for file in files)) as advance:
            obtaining = _obtaining(
                session, version, manifest, files, workshop=workshop, cache=cache, progress=advance
            )
            missing = obtaining.place()
            try:
                obtaining.receive(missing, asked=kept is None)
            except DownloadRefused:
                # Its chunk map may be what was wrong: the next attempt asks for another.
                if cache is not None:
                    cache.manifests.drop(version.digest)
                raise
    if cache is not None and version.state in STATES:
        _remember(cache, session, version)
    if cache is not None and missing:
        # What is too much now is too much the next time as well.
        with suppress(CacheRefused):
            cache.collect()
    return into


def open_version(session: Session, version: Version) -> OpenVersion:
    """A version to read parts of.

    Raises:
        MunimentError: see :meth:`muniment.registry.client.Registry.open`.
    """
    _, files = get_manifest(session, version)
    return OpenVersion(session, version, {file.path: file for file in files})


def get_manifest(session: Session, version: Version) -> tuple[pb.Manifest, list[ListedFile]]:
    """The manifest of a version, and the files it names; the registry is not asked for one that is in the cache.

    Raises:
        DownloadRefused: if it is not the one that the version's digest stands for.
        MunimentError: as the server says.
    """
    return _kept_manifest(session, version) or _fetched_manifest(session, version)


def _kept_manifest(session: Session, version: Version) -> tuple[pb.Manifest, list[ListedFile]] | None:
    cache = session.usable_cache()
    # Who may still have a version that was deleted is for the registry to say.
    return cache.manifests.load(version.digest) if cache is not None and version.state != DELETED else None


def _fetched_manifest(session: Session, version: Version) -> tuple[pb.Manifest, list[ListedFile]]:
    project = f"projects/{version.version_name.project}"
    request = pb.GetManifestRequest(parent=project, digest=version.digest)
    manifest: pb.Manifest = session.calls.unary(session.artifacts.GetManifest, request)
    try:
        files = checked_files(manifest, version.digest)
    except UntrueManifest as error:
        raise DownloadRefused(f"{version.name} was not pulled: {error}") from error
    # Without chunks it would be of no use once the bytes are back.
    if (cache := session.usable_cache()) is not None and manifest.tier != pb.BYTES_TIER_GONE:
        manifest.digest = version.digest
        with suppress(OSError):
            cache.manifests.keep(manifest)
    return manifest, files


def _obtaining(
    session: Session,
    version: Version,
    manifest: pb.Manifest,
    files: list[ListedFile],
    *,
    workshop: Workshop,
    cache: Cache | None,
    progress: Progress,
) -> Obtaining:
    private = PrivateStore(workshop.store)
    # Nobody has asked for a cache that takes the bytes a second time.
    caching = cache is not None and (cache.settings.chosen or cache.is_on_device_of(workshop.tree))
    if not caching:
        private.make()
    return Obtaining(
        session,
        f"projects/{version.version_name.project}",
        manifest,
        files,
        tree=workshop.tree,
        cache=cache,
        store=cache.files if cache is not None and caching else private,
        private=private,
        progress=progress,
    )


def _remember(cache: Cache, session: Session, version: Version) -> None:
    """Let a later pull of the digest do without a registry."""
    name = version.version_name
    remembered = RememberedVersion(
        target=session.calls.target,
        name=version.name,
        number=version.number,
        digest=version.digest,
        state=version.state,
        size_bytes=version.size_bytes,
        file_count=version.file_count,
    )
    with suppress(OSError):
        cache.manifests.remember(Selector(name.project, name.model, version.digest), remembered)
