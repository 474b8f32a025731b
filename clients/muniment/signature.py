"""Signatures of OpenSSF Model Signing: what a bundle signs, verified with a public key and without the files.

A bundle (https://docs.sigstore.dev/about/bundle/) holds a DSSE envelope
(https://github.com/secure-systems-lab/dsse/blob/master/protocol.md) around an in-toto statement. Its predicate
``https://model_signing/signature/v1.0`` (https://github.com/sigstore/model-transparency) lists the signed files
with their sha256, and its subject is the sha256 of all of these. Both are known of a version, so whoever has the
manifest needs no file to tell whether a signature is one of it.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.digests import Digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

MAX_BUNDLE = 8 * 1024 * 1024
"""Bytes. A bundle of 10,000 files has 2 to 3 MB."""
MAX_KEY = 4 * 1024
MAX_NAME = 1_024

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_ALONE = "."
"""How the tool calls the file of a model that is a single file."""


class InvalidSignature(ValueError):
    """The bundle or the key cannot be used, or the one is not of the other; the text says why."""


class OtherFiles(ValueError):
    """The signature is right, and of other files than these.

    Attributes:
        signed: root digest that is signed.
        actual: root digest of the files.
        why: one thing that differs.
    """

    def __init__(self, *, signed: str, actual: str, why: str) -> None:
        super().__init__(f"the signature is of files with root digest {signed}, these have {actual}: {why}")
        self.signed = signed
        self.actual = actual
        self.why = why


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """What a bundle signs, its signature verified.

    Attributes:
        root_digest: ``sha256:<hex>`` over the raw digests of the files, as they are ordered in the bundle.
        files: digest by path.
        left_out: paths that the signer named as not signed, such as ``.gitattributes``, with all below them.
        key_digest: ``sha256:<hex>`` of the public key in PEM, by which bundles name keys.
    """

    root_digest: str
    files: Mapping[str, str]
    left_out: tuple[str, ...]
    key_digest: str

    def check(self, files: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Compare with the files of a version, given as path and digest.

        Returns:
            Paths of those that are not signed because the signer left them out; all others are.

        Raises:
            OtherFiles: naming both root digests and the first path that differs.
        """
        told = dict(files)
        signed = self.files
        if len(told) == 1 and list(signed) == [_ALONE]:
            signed = dict(zip(told, signed.values(), strict=True))
        unsigned = tuple(path for path in sorted(told) if path not in signed and self._leaves_out(path))
        actual = {path: digest for path, digest in told.items() if path not in unsigned}
        root = root_digest(actual)
        for path in sorted({*actual, *signed}):
            if actual.get(path) != signed.get(path):
                why = f"{path[:200]!r} " + (
                    "is not signed"
                    if path not in signed
                    else "is signed and not there"
                    if path not in actual
                    else f"has digest {actual[path]}, while {signed[path]} is signed"
                )
                raise OtherFiles(signed=self.root_digest, actual=root, why=why)
        if root != self.root_digest:
            raise OtherFiles(
                signed=self.root_digest, actual=root, why="the files are signed in another order"
            )
        return unsigned

    def _leaves_out(self, path: str) -> bool:
        return any(path == named or path.startswith(f"{named}/") for named in self.left_out)


def root_digest(files: Mapping[str, str]) -> str:
    """What the tool signs of files, given as digest by path: sha256 over their raw digests, by parts of paths."""
    ordered = sorted(files, key=lambda path: path.split("/"))
    return Digest.of(b"".join(Digest(files[path]).raw for path in ordered)).text


def key_digest(public_key: str) -> str:
    """How bundles name a public key: ``sha256:<hex>`` of it as PEM, as libraries write that.

    Raises:
        InvalidSignature: if it is not an elliptic-curve key that the tool takes.
    """
    return _digest_of_key(_key(public_key))


def verify_bundle(bundle: bytes, public_key: str) -> SignedFiles:
    """What a bundle signs, if the key made its signature.

    Args:
        bundle: the file that ``model_signing sign key`` writes.
        public_key: PEM of a key on the curve P-256, P-384 or P-521.

    Raises:
        InvalidSignature: if it did not, or bundle or key cannot be used.
    """
    if len(bundle) > MAX_BUNDLE:
        raise InvalidSignature(f"the bundle has {len(bundle)} bytes, while {MAX_BUNDLE} are the most")
    key = _key(public_key)
    document = _object(bundle, "the bundle")
    payload = _verified_payload(document, key)
    statement = _object(payload, "the signed statement")
    try:
        return _signed_files(statement, _digest_of_key(key))
    except InvalidSignature:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidSignature("the signed statement is not one of a model") from error


def _verified_payload(document: dict[str, Any], key: EllipticCurvePublicKey) -> bytes:
    from cryptography.exceptions import InvalidSignature as Wrong
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        envelope, material = document["dsseEnvelope"], document["verificationMaterial"]
        payload_type, [signature] = envelope["payloadType"], envelope["signatures"]
        payload, signed = (
            b64decode(envelope["payload"], validate=True),
            b64decode(signature["sig"], validate=True),
        )
        named = material.get("publicKey")
        hint = named.get("hint", "") if named is not None else None
    except (KeyError, TypeError, ValueError, AttributeError, NotBase64) as error:
        raise InvalidSignature("the bundle holds no envelope with one signature") from error
    if hint is None:
        raise InvalidSignature(
            "the bundle is signed by a certificate: sign with a key ('model_signing sign key')"
        )
    own = _digest_of_key(key).removeprefix("sha256:")
    if hint and hint != own:
        raise InvalidSignature(
            f"the bundle names the key sha256:{str(hint)[:64]}, while sha256:{own} was given"
        )
    if payload_type != _PAYLOAD_TYPE:
        raise InvalidSignature(f"the bundle signs {str(payload_type)[:100]!r}, not {_PAYLOAD_TYPE!r}")
    encoded = b" ".join(
        (b"DSSEv1", *(str(len(part)).encode() + b" " + part for part in (payload_type.encode(), payload)))
    )
    try:
        key.verify(signed, encoded, ec.ECDSA(_hash(key)))
    except Wrong as error:
        raise InvalidSignature(f"the key sha256:{own} did not make the signature") from error
    return payload


def _signed_files(statement: dict[str, Any], by: str) -> SignedFiles:
    for what, expected in (("_type", _STATEMENT_TYPE), ("predicateType", _PREDICATE_TYPE)):
        if statement[what] != expected:
            raise InvalidSignature(
                f"{what} of the statement is {str(statement[what])[:100]!r}, not {expected!r}"
            )
    predicate = statement["predicate"]
    method, hashed = predicate["serialization"]["method"], predicate["serialization"]["hash_type"]
    if (method, hashed) != ("files", "sha256"):
        raise InvalidSignature(
            f"the bundle signs {str(method)[:40]} by {str(hashed)[:40]}: have it sign files by sha256"
        )
    files: dict[str, str] = {}
    hasher = hashlib.sha256()
    for resource in predicate["resources"]:
        name, digest = resource["name"], Digest.parse(f"sha256:{resource['digest']}")
        if not isinstance(name, str) or len(name.encode()) > MAX_NAME or name in files:
            raise InvalidSignature("the bundle names a file twice, or by a name that none can have")
        if resource["algorithm"] != "sha256":
            raise InvalidSignature(f"the digest of {name[:200]!r} is not sha256")
        files[name] = digest.text
        hasher.update(digest.raw)
    root = Digest.of_hash(hasher).text
    [subject] = statement["subject"]
    if subject["digest"]["sha256"] != root.removeprefix("sha256:"):
        raise InvalidSignature("the files of the bundle are not those of its root digest")
    left_out = predicate["serialization"].get("ignore_paths", ())
    if not all(isinstance(path, str) for path in left_out):
        raise InvalidSignature("the bundle leaves out what is no path")
    return SignedFiles(root, files, tuple(path for path in left_out if path not in ("", _ALONE)), by)


def _key(public_key: str) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if len(public_key) > MAX_KEY:
        raise InvalidSignature(
            f"the public key has {len(public_key)} characters, while {MAX_KEY} are the most"
        )
    try:
        key = load_pem_public_key(public_key.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidSignature("the public key is not one in PEM ('BEGIN PUBLIC KEY')") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _HASHES:
        raise InvalidSignature("the public key is not on the curve P-256, P-384 or P-521")
    return key


_HASHES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}


def _hash(key: EllipticCurvePublicKey) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    found: HashAlgorithm = getattr(hashes, _HASHES[key.curve.name])()
    return found


def _digest_of_key(key: EllipticCurvePublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Digest.of(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)).text


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(data, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise InvalidSignature(f"{what} is not JSON") from error
    if not isinstance(document, dict):
        raise InvalidSignature(f"{what} is not a JSON object")
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has a key twice")
    return members
