"""Signatures on their way into a registry and out of it, judged at this end as well."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from muniment.digests import Digest
from muniment.errors import (
    CannotRead,
    DownloadRefused,
    InvalidArgument,
    SignatureInvalid,
    SignatureMismatch,
    SignatureNotFound,
)
from muniment.local_paths import local_path
from muniment.manifest import UntrueManifest, checked_files
from muniment.names import ProjectName
from muniment.registry.session import Session
from muniment.signature import MAX_BUNDLE, MAX_KEY, InvalidSignature, OtherFiles, key_digest, verify_bundle
from muniment.v1 import artifact_service_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Version, VersionSignature


@dataclass(frozen=True, slots=True)
class SignatureFiles:
    """A bundle, and PEM of the public key that made it."""

    bundle: bytes
    public_key: str


def signature_files(
    bundle: str | PathLike[str] | None, key: str | PathLike[str] | None
) -> SignatureFiles | None:
    """Read the files of a signature, and verify it as far as that can be done without the version's files.

    Raises:
        InvalidArgument: if one of the two is missing.
        CannotRead: if one cannot be read.
        SignatureInvalid: if the key did not make the bundle, or one of them is none.
    """
    if bundle is None and key is None:
        return None
    if bundle is None or key is None:
        raise InvalidArgument("a signature needs both, the bundle and the public key that made it")
    read = SignatureFiles(_bytes(bundle, "signature", MAX_BUNDLE), public_key(key))
    try:
        verify_bundle(read.bundle, read.public_key)
    except InvalidSignature as error:
        raise SignatureInvalid(f"{bundle}: {error}", "SIGNATURE_INVALID") from error
    return read


def public_key(path: str | PathLike[str]) -> str:
    """The text of a file with a public key.

    Raises:
        CannotRead: if it cannot be read.
    """
    return _bytes(path, "signature_key", MAX_KEY).decode("utf-8", "replace")


def verified_signature(session: Session, version: Version, *, key: str | None) -> VersionSignature:
    """The signature of a version, believed only after everything about it was computed anew.

    Args:
        session: the connection.
        version: as the registry told it.
        key: PEM of the key that must have made it; None: the one that is stored with it.

    Raises:
        SignatureNotFound: if there is none.
        SignatureInvalid: if it is not what the version's record binds, or the key did not make it.
        SignatureMismatch: if it signs other files.
        DownloadRefused: if the manifest that came is not what the version's digest stands for.
    """
    if version.signature is None:
        told = f"version {version.name} was registered without a signature"
        raise SignatureNotFound(told, "SIGNATURE_NOT_FOUND", {"version": version.name})
    answer = session.calls.unary(
        session.metadata.GetVersionSignature, pb.GetVersionSignatureRequest(name=version.name)
    )
    found = Digest.of(answer.bundle).text
    if found != version.signature.bundle_digest:
        bound = version.signature.bundle_digest
        raise SignatureInvalid(
            f"the bundle has digest {found}, while the record of the version binds {bound}"
        )
    parent = ProjectName(version.version_name.project).text
    manifest = session.calls.unary(
        session.artifacts.GetManifest,
        artifact_service_pb2.GetManifestRequest(parent=parent, digest=version.digest),
    )
    try:
        files = checked_files(manifest, version.digest)
        signed = verify_bundle(answer.bundle, key if key is not None else version.signature.public_key)
        unsigned = signed.check((file.path, file.digest) for file in files)
        stored = version.signature.public_key
        facts = (answer.name, answer.public_key, answer.key_digest, answer.root_digest)
        expected = (version.name, stored, key_digest(stored), signed.root_digest)
        if facts != expected or tuple(answer.unsigned_paths) != unsigned:
            raise InvalidSignature("what the registry tells of it is not what the bundle says")
    except UntrueManifest as error:
        raise DownloadRefused(str(error)) from error
    except InvalidSignature as error:
        raise SignatureInvalid(f"the signature of {version.name} does not hold: {error}") from error
    except OtherFiles as error:
        both = {"signed": error.signed, "actual": error.actual}
        raise SignatureMismatch(str(error), "SIGNATURE_MISMATCH", both) from error
    return VersionSignature.of(answer)


def _bytes(path: str | PathLike[str], argument: str, most: int) -> bytes:
    source: Path = local_path(path, argument)
    try:
        with source.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise CannotRead(f"{source} cannot be read: {error.strerror}") from error
    if len(data) > most:
        raise SignatureInvalid(f"{source} has more than {most} bytes", "SIGNATURE_INVALID")
    return data
