"""Pull: a version's files, verified against its digest, appear whole in a directory or not at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from muniment.errors import DownloadRefused
from muniment.registry.session import Session
from muniment.transfer.destination import check_destination, check_expendable
from muniment.transfer.lazy import OpenVersion
from muniment.transfer.manifest import ListedFile, UntrueManifest, checked_files
from muniment.transfer.placing import replaced
from muniment.transfer.progress import ProgressOption, phase
from muniment.transfer.receive import Download
from muniment.v1 import artifact_service_pb2 as pb
from muniment.values import Version


def pull(
    session: Session, version: Version, into: Path, *, overwrite: bool, progress: ProgressOption
) -> Path:
    """Fetch a version into ``into``.

    Raises:
        MunimentError: see :meth:`muniment.registry.client.Registry.pull`; then ``into`` is as it was.
    """
    destination = check_destination(into, overwrite=overwrite, registry=session.directory)
    project = f"projects/{version.version_name.project}"
    manifest, files = get_manifest(session, version)
    expendable = partial(check_expendable, destination, session.directory)
    with replaced(destination, overwrite=overwrite, check=expendable) as directory:
        with phase(progress, "pull", sum(file.size for file in files)) as advance:
            Download(session, project, manifest, directory, advance).fetch(files)
    return into


def open_version(session: Session, version: Version) -> OpenVersion:
    """A version to read parts of.

    Raises:
        MunimentError: see :meth:`muniment.registry.client.Registry.open`.
    """
    _, files = get_manifest(session, version)
    return OpenVersion(session, version, {file.path: file for file in files})


def get_manifest(session: Session, version: Version) -> tuple[pb.Manifest, list[ListedFile]]:
    """The manifest of a version, and the files it names.

    Raises:
        DownloadRefused: if it is not the one that the version's digest stands for.
        MunimentError: as the server says.
    """
    project = f"projects/{version.version_name.project}"
    request = pb.GetManifestRequest(parent=project, digest=version.digest)
    manifest: pb.Manifest = session.calls.unary(session.artifacts.GetManifest, request)
    try:
        return manifest, checked_files(manifest, version.digest)
    except UntrueManifest as error:
        raise DownloadRefused(f"{version.name} was not pulled: {error}") from error
