"""Push: upload the files, then register them as the next version, which is there whole or not at all."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from muniment.errors import DeadlineExceeded, ManifestNotFound, ModelNotFound, NameTaken, Unavailable
from muniment.names import ModelName
from muniment.provenance import find_code, find_environment
from muniment.registry.models import ensure_model
from muniment.registry.session import Session, built, new_request_id
from muniment.registry.versions import resource_name
from muniment.transfer.checks import check_record
from muniment.transfer.patience import Patience
from muniment.transfer.progress import ProgressOption
from muniment.transfer.record import Record, note_provenance
from muniment.transfer.upload import Upload
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Code, Environment, Version


def push(
    session: Session, model: str, path: Path, record: Record, *, request_id: str, progress: ProgressOption
) -> Version:
    """Store ``path`` as the next version of a model.

    Raises:
        MunimentError: see :meth:`muniment.registry.client.Registry.push`; then there is no new version.
    """
    # Whatever this end can know to be refused is refused before the first byte is read.
    name = session.model(model)
    provenance = _Provenance()
    upload = Upload(session, f"projects/{name.project}", path)
    version = record.message(lambda parent: resource_name(session, parent))
    check_record(version)
    bundle = record.signature.bundle if record.signature else b""
    request_id = request_id or new_request_id()
    patience = Patience()
    while True:
        version.digest = upload.run(progress, read=provenance.begin)
        note_provenance(version, *provenance.result())
        try:
            return _register(session, name, version, bundle, request_id)
        except ManifestNotFound as error:
            # Collected between the two, as no version had it yet: what is there still is not sent again.
            patience.spend(error, pause=False)


class _Provenance:
    """The code that runs and where it runs, found out while the last bytes travel: git is asked for it, and every
    installed package looked at, for which hashing would have to wait."""

    def __init__(self) -> None:
        self._found: Future[tuple[Code | None, Environment]] | None = None

    def begin(self) -> None:
        """Begin to find it out, on a thread: a push that fails does not wait for it."""
        beside = ThreadPoolExecutor(1, "muniment-provenance")
        self._found = beside.submit(lambda: (find_code(), find_environment()))
        beside.shutdown(wait=False)

    def result(self) -> tuple[Code | None, Environment]:
        """What was found."""
        if self._found is None:
            self.begin()
        assert self._found is not None
        return self._found.result()


def _register(
    session: Session, name: ModelName, version: catalog_pb2.Version, bundle: bytes, request_id: str
) -> Version:
    """Create the version, and the model before it if there is none."""
    request = built(
        pb.CreateVersionRequest,
        parent=name.text,
        version=version,
        signature_bundle=bundle,
        request_id=request_id,
    )
    patience = Patience()
    taken: NameTaken | None = None
    while True:
        try:
            return Version.of(session.calls.unary(session.metadata.CreateVersion, request))
        except ModelNotFound as error:
            # Somebody who was faster is fine. But the name may be kept by a model that was deleted, or by one of
            # other case: then the model is still not found.
            if taken is not None:
                raise taken from error
            taken = ensure_model(session, name, request_id=derived_request_id(request_id, "model"))
            patience.spend(error, pause=False)
        except (Unavailable, DeadlineExceeded) as error:
            patience.spend(error)


def derived_request_id(request_id: str, purpose: str) -> str:
    """The id of a further request made for the one a caller named: the same again when that is repeated."""
    return hashlib.sha256(f"{purpose}\0{request_id}".encode("utf-8", "replace")).hexdigest()[:32]
