"""Signatures of versions' files, judged by what is known of the files and without reading them."""

from __future__ import annotations

from functools import partial

from muniment.digests import Digest
from muniment.names import ModelName, VersionName
from muniment.signature import InvalidSignature, OtherFiles, SignedFiles, verify_bundle
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.catalog import NewVersion, Signature
from muniment_core.domain.errors import SignatureInvalid, SignatureMismatch, SignatureNotFound
from muniment_core.domain.manifest_files import listed_files
from muniment_core.rpc.execution import Execution

from muniment_metadata.projects import told_of_project


async def check_new(
    execution: Execution, request: pb.CreateVersionRequest, model: ModelName, new: NewVersion
) -> catalog_pb2.Version | None:
    """Verify the signature of a version that is to be registered, if it has one.

    Returns:
        What was answered before, if the request is repeated; nothing is judged then.

    Raises:
        ProjectNotFound: if the project does not exist.
        ManifestNotFound: if it holds no manifest of the version's digest.
        SignatureInvalid: if the bundle cannot be used, or the key did not make it.
        SignatureMismatch: if it signs other files.
    """
    signature = new.frozen.signature
    if signature is None:
        return None
    found = await execution.remembered(
        request, catalog_pb2.Version, partial(_manifest, model=model, digest=new.digest)
    )
    if isinstance(found, catalog_pb2.Version):
        return found
    await execution.io(partial(_check, signature, new.bundle, found))
    return None


async def get_signature(execution: Execution, name: VersionName) -> pb.VersionSignature:
    """The signature of a version, tombstones included.

    Raises:
        ProjectNotFound, VersionNotFound: if there is no such version.
        SignatureNotFound: if it has none.
        SignatureInvalid, SignatureMismatch: if what is stored is no longer what was verified at registration.
    """
    signature, bundle, manifest = await execution.read(partial(_signature, name=name))
    return await execution.io(partial(_message, name, signature, bundle, manifest))


def _manifest(reader: Reader, *, model: ModelName, digest: str) -> bytes:
    project_id = reader.projects.require(model.project).id
    return reader.artifacts.require_manifest(project_id, Digest(digest)).body


def _signature(reader: Reader, *, name: VersionName) -> tuple[Signature, bytes, bytes]:
    with told_of_project(reader, name.project):
        version = reader.versions.require(name)
    bundle = reader.versions.bundle(version.id)
    if version.frozen.signature is None or bundle is None:
        raise SignatureNotFound(name.text)
    manifest = _manifest(reader, model=name.of_model, digest=version.digest)
    return version.frozen.signature, bundle, manifest


def _message(name: VersionName, signature: Signature, bundle: bytes, manifest: bytes) -> pb.VersionSignature:
    signed = _verified(signature, bundle)
    return pb.VersionSignature(
        name=name.text,
        bundle=bundle,
        public_key=signature.public_key,
        key_digest=signed.key_digest,
        root_digest=signed.root_digest,
        unsigned_paths=_compared(signed, manifest),
    )


def _check(signature: Signature, bundle: bytes, manifest: bytes) -> None:
    _compared(_verified(signature, bundle), manifest)


def _verified(signature: Signature, bundle: bytes) -> SignedFiles:
    try:
        return verify_bundle(bundle, signature.public_key)
    except InvalidSignature as error:
        raise SignatureInvalid(str(error)) from error


def _compared(signed: SignedFiles, manifest: bytes) -> tuple[str, ...]:
    try:
        return signed.check((file.path, file.digest) for file in listed_files(manifest))
    except OtherFiles as error:
        raise SignatureMismatch(signed=error.signed, actual=error.actual, why=error.why) from error
