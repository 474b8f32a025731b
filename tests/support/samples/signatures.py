"""Signatures as the tool of OpenSSF Model Signing makes them, for tests of something else than the tool."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Signer:
    """A key pair that signs files, given as digest by path."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self._key = ec.generate_private_key(curve or ec.SECP256R1())
        public = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public_key = public.decode()

    def statement(self, files: Mapping[str, str]) -> dict[str, Any]:
        """What is signed of files."""
        ordered = sorted(files, key=lambda path: path.split("/"))
        root = hashlib.sha256(
            b"".join(bytes.fromhex(files[path].removeprefix("sha256:")) for path in ordered)
        )
        return {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "model", "digest": {"sha256": root.hexdigest()}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {
                "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
                "resources": [
                    {"name": path, "algorithm": "sha256", "digest": files[path].removeprefix("sha256:")}
                    for path in ordered
                ],
            },
        }

    def sign(self, files: Mapping[str, str]) -> bytes:
        """A bundle of files."""
        return self.seal(json.dumps(self.statement(files)).encode())

    def seal(self, payload: bytes, *, payload_type: str = PAYLOAD_TYPE, hint: str | None = None) -> bytes:
        """A bundle of whatever is signed."""
        parts = (payload_type.encode(), payload)
        encoded = b" ".join((b"DSSEv1", *(str(len(part)).encode() + b" " + part for part in parts)))
        algorithm = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[self._key.key_size]
        named = hashlib.sha256(self.public_key.encode()).hexdigest() if hint is None else hint
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {"publicKey": {"hint": named}, "tlogEntries": []},
                "dsseEnvelope": {
                    "payload": b64encode(payload).decode(),
                    "payloadType": payload_type,
                    "signatures": [
                        {"sig": b64encode(self._key.sign(encoded, ec.ECDSA(algorithm))).decode(), "keyid": ""}
                    ],
                },
            }
        ).encode()
