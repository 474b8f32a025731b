"""Ed25519 keys and the names they go by.

A public key is written ``<name>+<hash>+<base64>``, as Go's ``golang.org/x/mod/sumdb/note`` writes it: the hash
is 8 hexadecimal digits of ``SHA-256(name || 0x0A || type || key)``, the base64 that of ``type || key``. Names
follow https://c2sp.org/signed-note.

``cryptography`` is loaded when something is signed or verified: it takes longer to load than most commands run.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from muniment.ledger.evidence import InvalidEvidence, decode, encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
"""Signature type of plain Ed25519 over the text."""
KEY_BYTES = 32
HASH_BYTES = 4

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""The control characters that no note may hold."""
_VERIFIER_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class InvalidKey(InvalidEvidence):
    """A key or its name is not one."""


class BadSignature(InvalidEvidence):
    """A signature is not one of the key that is named."""


def check_key_name(name: str) -> str:
    """The name of a key, if it is one.

    Raises:
        InvalidKey: if it is empty or holds a space, a plus or a control character.
    """
    if not name or "+" in name or CONTROL.search(name) or any(letter.isspace() for letter in name):
        raise InvalidKey(f"key name {name!r} is empty or holds a space, a plus or a control character")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidKey(f"key name {name!r} is not Unicode text") from None
    return name


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key and the name it goes by.

    Attributes:
        key: 32 bytes, as RFC 8032 encodes them.
    """

    name: str
    key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.key) != KEY_BYTES:
            raise InvalidKey(f"key of {self.name} has {len(self.key)} bytes, while {KEY_BYTES} are needed")

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read ``<name>+<hash>+<base64>``.

        Raises:
            InvalidKey: if it is not an Ed25519 key in that form.
        """
        match = _VERIFIER_KEY.fullmatch(text)
        if match is None:
            raise InvalidKey(f"{text[:200]!r} is not a public key: write <name>+<hash>+<base64>")
        name, written_hash, data = match.groups()
        try:
            typed = decode(data)
        except ValueError as error:
            raise InvalidKey(f"key of {name} {error}") from None
        if typed[:1] != ED25519:
            raise InvalidKey(f"key of {name} has type {typed[0]:#04x}, while 0x01 (Ed25519) is needed")
        key = cls(name, typed[1:])
        if key.hash.hex() != written_hash:
            raise InvalidKey(f"key of {name} has hash {key.hash.hex()}, while {written_hash} is written")
        return key

    @property
    def hash(self) -> bytes:
        """The 4 bytes by which signatures name the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:HASH_BYTES]

    @property
    def text(self) -> str:
        """``<name>+<hash>+<base64>``."""
        return f"{self.name}+{self.hash.hex()}+{encode(ED25519 + self.key)}"

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature over bytes.

        Raises:
            BadSignature: if it is not one of this key.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature:
            raise BadSignature(f"the signature of {self.name}+{self.hash.hex()} is not valid") from None


class SigningKey:
    """An Ed25519 private key and the name it goes by."""

    __slots__ = ("_private", "public")

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._private = private
        self.public = PublicKey(name, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> SigningKey:
        """The key that RFC 8032 derives from 32 bytes."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of an Ed25519 signature."""
        return self._private.sign(message)
