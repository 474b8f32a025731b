"""The root digest is the one that the official tool signs."""

from __future__ import annotations

import hashlib
import json
import random
from base64 import b64decode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from model_signing import signing
from muniment.digests import Digest
from muniment_artifact.manifest import FileEntry, root_digest

PATHS = ("a.b", "a/b", "a/b.c", "a-b", "A", "é/x", "z", "a/empty")


def test_the_root_digest_is_the_one_that_the_official_tool_signs(tmp_path: Path) -> None:
    model, key, signature = tmp_path / "model", tmp_path / "key.pem", tmp_path / "model.sig"
    files = []
    for number, path in enumerate(PATHS):
        data = b"" if path.endswith("empty") else random.Random(number).randbytes(100)
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_bytes(data)
        files.append(FileEntry(path, Digest.of(data), len(data), ()))
    private = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signing.Config().use_elliptic_key_signer(private_key=key).sign(model, signature)
    envelope = json.loads(signature.read_text())["dsseEnvelope"]
    [subject] = json.loads(b64decode(envelope["payload"]))["subject"]
    assert root_digest(files).hex == subject["digest"]["sha256"]
    assert root_digest(reversed(files)) == root_digest(files)


def test_the_root_digest_of_one_file_is_that_of_its_digest() -> None:
    digest = Digest.of(b"x")
    expected = hashlib.sha256(digest.raw).hexdigest()
    assert root_digest([FileEntry("f", digest, 1, ())]).hex == expected
