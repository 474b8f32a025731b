"""What a bundle signs, and what is not a signature of a version."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from model_signing import signing
from muniment.digests import Digest
from muniment.signature import InvalidSignature, OtherFiles, key_digest, root_digest, verify_bundle
from samples.signatures import Signer

FILES = {path: Digest.of(path.encode()).text for path in ("a.b", "a/b", "deep/er/c", "z")}
SIGNER = Signer()
BUNDLE = SIGNER.sign(FILES)


def altered(statement: dict[str, Any], *place: Any, to: Any) -> bytes:
    """A bundle of a statement in which one value is another one; properly signed."""
    changed = json.loads(json.dumps(statement))
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = to
    return SIGNER.seal(json.dumps(changed).encode())


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda one: one.name)
def test_a_bundle_of_the_official_tool_is_verified_by_digests_alone(
    tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    model, key = tmp_path / "model", tmp_path / "key.pem"
    for path in FILES:
        (model / path).parent.mkdir(parents=True, exist_ok=True)
        (model / path).write_text(path)
    private = ec.generate_private_key(curve)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signing.Config().use_elliptic_key_signer(private_key=key).sign(model, tmp_path / "model.sig")
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    signed = verify_bundle((tmp_path / "model.sig").read_bytes(), public)
    assert signed.files == FILES
    assert signed.root_digest == root_digest(FILES)
    assert signed.key_digest == key_digest(public)
    signed.check(FILES.items())


def test_a_single_file_is_signed_by_the_name_the_tool_gives_it(tmp_path: Path) -> None:
    model, key = tmp_path / "model.bin", tmp_path / "key.pem"
    model.write_text("weights")
    private = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signing.Config().use_elliptic_key_signer(private_key=key).sign(model, tmp_path / "model.sig")
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    signed = verify_bundle((tmp_path / "model.sig").read_bytes(), public)
    signed.check([("model.bin", Digest.of(b"weights").text)])
    with pytest.raises(OtherFiles):
        signed.check([("model.bin", Digest.of(b"other").text)])


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({**FILES, "z": Digest.of(b"other").text}, "'z' has digest"),
        ({**FILES, "more": Digest.of(b"more").text}, "'more' is not signed"),
        ({path: FILES[path] for path in list(FILES)[:-1]}, "'z' is signed and not there"),
        ({"Z" if path == "z" else path: digest for path, digest in FILES.items()}, "'Z' is not signed"),
    ],
)
def test_other_files_are_told_with_both_root_digests(files: dict[str, str], why: str) -> None:
    with pytest.raises(OtherFiles) as refused:
        verify_bundle(BUNDLE, SIGNER.public_key).check(files.items())
    assert why in str(refused.value)
    assert root_digest(FILES) in str(refused.value)
    assert root_digest(files) in str(refused.value)


def test_only_what_the_signer_left_out_by_name_may_be_unsigned() -> None:
    statement = SIGNER.statement(FILES)
    statement["predicate"]["serialization"]["ignore_paths"] = [".git", "notes", ".", ""]
    signed = verify_bundle(SIGNER.seal(json.dumps(statement).encode()), SIGNER.public_key)
    other = Digest.of(b"other").text
    assert signed.check(FILES.items()) == ()
    assert signed.check({**FILES, ".git/config": other, "notes": other}.items()) == (".git/config", "notes")
    for path in ("notes.txt", ".gitattributes", "deep/notes", "model.pkl"):
        with pytest.raises(OtherFiles, match="is not signed"):
            signed.check({**FILES, path: other}.items())


def test_one_flipped_bit_anywhere_in_what_is_signed_is_noticed() -> None:
    document = json.loads(BUNDLE)
    payload = bytearray(b64decode(document["dsseEnvelope"]["payload"]))
    for place in range(0, len(payload), 37):
        payload[place] ^= 1
        document["dsseEnvelope"]["payload"] = b64encode(payload).decode()
        with pytest.raises(InvalidSignature, match="did not make the signature"):
            verify_bundle(json.dumps(document).encode(), SIGNER.public_key)
        payload[place] ^= 1


STATEMENT = SIGNER.statement(FILES)


@pytest.mark.parametrize(
    ("bundle", "why"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no envelope"),
        (b"[" * 100_000, "not JSON"),
        (b'{"dsseEnvelope": 1, "dsseEnvelope": 2}', "not JSON"),
        (b" " * (8 * 1024 * 1024 + 1), "are the most"),
        (Signer().sign(FILES), "names the key sha256:"),
        (Signer().seal(b"{}", hint=""), "did not make the signature"),
        (SIGNER.seal(b"{}", payload_type="text/plain"), "'text/plain'"),
        (SIGNER.seal(b"text"), "not JSON"),
        (SIGNER.seal(b"{}"), "not one of a model"),
        (BUNDLE.replace(b'"publicKey"', b'"certificate"'), "signed by a certificate"),
        (altered(STATEMENT, "predicateType", to="https://model_signing/Digests/v0.1"), "predicateType"),
        (altered(STATEMENT, "_type", to=7), "_type"),
        (altered(STATEMENT, "predicate", "serialization", "method", to="shards"), "shards"),
        (altered(STATEMENT, "predicate", "serialization", "hash_type", to="blake3"), "blake3"),
        (altered(STATEMENT, "predicate", "resources", 0, "algorithm", to="md5"), "not sha256"),
        (altered(STATEMENT, "predicate", "resources", 0, "digest", to="00"), "not one of a model"),
        (altered(STATEMENT, "predicate", "resources", 0, "name", to="z"), "a file twice"),
        (altered(STATEMENT, "predicate", "resources", 0, "name", to="x" * 2_000), "that none can have"),
        (altered(STATEMENT, "predicate", "resources", to=None), "not one of a model"),
        (altered(STATEMENT, "subject", 0, "digest", "sha256", to="0" * 64), "not those of its root digest"),
        (altered(STATEMENT, "subject", to=[]), "not one of a model"),
    ],
    ids=range(23),
)
def test_what_is_no_signature_of_files_is_refused_with_the_reason(bundle: bytes, why: str) -> None:
    with pytest.raises(InvalidSignature) as refused:
        verify_bundle(bundle, SIGNER.public_key)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "nonsense",
        "x" * 5_000,
        Signer(ec.SECP256K1()).public_key,
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "schlüssel",
    ],
    ids=range(7),
)
def test_keys_that_the_tool_does_not_take_are_refused(key: str) -> None:
    with pytest.raises(InvalidSignature, match="the public key"):
        verify_bundle(BUNDLE, key)
