"""The private key of the log: a PEM file (PKCS #8), as ``openssl genpkey -algorithm ed25519`` writes it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.ledger.keys import PublicKey, SigningKey

from muniment_core.signing import durable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class UnusableKey(RuntimeError):
    """The file of the signing key cannot be used; the text says what to do."""


class KeyFile:
    """Where the private key is kept.

    A rotation writes the new key beside the old one (``….next``) before the ledger names it, and moves it into
    place afterwards; a process that is cut off in between finds the right one of the two by its public key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = path.with_name(path.name + ".next")

    @property
    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    def generate(self, name: str) -> SigningKey:
        """Make a new key and keep it.

        Raises:
            OSError: if it cannot be kept.
        """
        return SigningKey(name, _generate(self.path))

    def load(self, name: str) -> SigningKey:
        """The key in the file, under the name of its log.

        Raises:
            FileNotFoundError: if there is none.
            UnusableKey: if it cannot be read, or is something else.
        """
        return SigningKey(name, _read(self.path))

    def load_matching(self, public: PublicKey) -> SigningKey | None:
        """The private key of a public one, if this file has it.

        Raises:
            UnusableKey: if the file is there and cannot be read, or holds something else.
        """
        for path in (self.path, self._next):
            try:
                key = SigningKey(public.name, _read(path))
            except FileNotFoundError:
                continue
            if key.public == public:
                if path == self._next:
                    # Another process of this machine may be faster.
                    with suppress(FileNotFoundError):
                        durable.move(self._next, self.path)
                return key
        return None

    def prepare_next(self, name: str) -> SigningKey:
        """Make the key that is to follow and keep it beside the present one.

        Raises:
            OSError: if it cannot be kept.
        """
        return SigningKey(name, _generate(self._next))


def _generate(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    durable.write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _read(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableKey(f"signing key {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKey(
            f"signing key {path} is not a private key in PEM without passphrase: make one with "
            "'openssl genpkey -algorithm ed25519', or put the right file there"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKey(
            f"signing key {path} is not an Ed25519 key: 'openssl genpkey -algorithm ed25519' makes one"
        )
    return key
