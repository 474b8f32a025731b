"""What the bytes of versions are, and who signed them."""

from __future__ import annotations

from os import PathLike

from muniment.errors import DeadlineExceeded
from muniment.names import ProjectName
from muniment.registry import versions
from muniment.registry.session import Session
from muniment.signature import root_digest
from muniment.transfer.pull import get_manifest
from muniment.transfer.signatures import public_key, verified_signature
from muniment.v1 import artifact_service_pb2 as pb
from muniment.values import Inspection, Version, VersionSignature

CALL_SECONDS = 60.0
"""One call waits so long; the registry goes on looking, so the next one finds more done."""


class Inspections:
    """The verbs that ask what a version's files are, and who signed them."""

    _session: Session

    def inspect(
        self, version: Version | str, *, again: bool = False, wait: float | None = None
    ) -> Inspection:
        """What the files of a version are: formats, tensors, and whether loading them may run code.

        What was looked into before is answered at once; the rest is looked into now, by the registry and without
        loading anything::

            if registry.inspect("churn@latest").verdict != "CLEAN": ...

        Args:
            version: a version or a selector.
            again: look once more into files that could not be looked into.
            wait: seconds to wait; None: until it is done.

        Raises:
            DeadlineExceeded: if it takes longer than ``wait``; the registry goes on with it.
        """
        session = self._session
        found = version if isinstance(version, Version) else versions.show(session, version)
        request = pb.InspectManifestRequest(
            parent=ProjectName(found.version_name.project).text, digest=found.digest, again=again
        )
        while True:
            try:
                seconds = CALL_SECONDS if wait is None else wait
                answer = session.calls.unary(session.artifacts.InspectManifest, request, timeout=seconds)
                return Inspection.of(answer)
            except DeadlineExceeded:
                if wait is not None:
                    raise
                # A registry that does not answer at all is waited for no longer.
                session.calls.unary(session.artifacts.GetCapabilities, pb.GetCapabilitiesRequest())
                # What could not be looked into was begun anew by the first call.
                request.again = False

    def root_digest(self, version: Version | str) -> str:
        """What OpenSSF Model Signing signs of the files of a version: ``sha256:<hex>``.

        It is computed here from the version's manifest, whose digest the version has; the files are not needed.

        Args:
            version: a version or a selector.

        Raises:
            DownloadRefused: if the manifest that came is not what the version's digest stands for.
        """
        found = version if isinstance(version, Version) else versions.show(self._session, version)
        _, files = get_manifest(self._session, found)
        return root_digest({file.path: file.digest for file in files})

    def verify_signature(
        self, version: Version | str, *, key: str | PathLike[str] | None = None
    ) -> VersionSignature:
        """Verify the signature of a version, with nothing believed but what is computed here from its manifest.

        Args:
            version: a version or a selector.
            key: file with the public key that must have made it; None: the key it was registered with, which says
                no more than that the signature is one.

        Raises:
            SignatureNotFound: if the version has none.
            SignatureInvalid: if the key did not make it.
            SignatureMismatch: if it is of other files.
        """
        found = version if isinstance(version, Version) else versions.show(self._session, version)
        trusted = None if key is None else public_key(key)
        return verified_signature(self._session, found, key=trusted)
