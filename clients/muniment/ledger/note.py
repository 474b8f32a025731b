"""Signed notes: text with signatures under it, https://c2sp.org/signed-note, signature type Ed25519.

::

    the text, which may have several lines

    — example.com/log 4bytesOfKeyHashAndSignatureInBase64=
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muniment.ledger.evidence import InvalidEvidence, decode, encode
from muniment.ledger.keys import CONTROL, HASH_BYTES, InvalidKey, PublicKey, SigningKey, check_key_name

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_DASH = "\u2014 "


class InvalidNote(InvalidEvidence):
    """A note cannot be read, or is not signed by whom it must be."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line.

    Attributes:
        name: name of the key.
        key_hash: 4 bytes that tell keys of one name apart.
        data: the signature itself.
    """

    name: str
    key_hash: bytes
    data: bytes

    @property
    def line(self) -> str:
        """The line, without its end."""
        return f"{_DASH}{self.name} {encode(self.key_hash + self.data)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it, not verified.

    Attributes:
        text: ends with a newline.
    """

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note; no signature is checked.

        Raises:
            InvalidNote: if it is not exactly of the form.
        """
        if len(data) > MAX_NOTE_BYTES:
            raise InvalidNote(f"note has {len(data)} bytes, while {MAX_NOTE_BYTES} are the most")
        try:
            whole = data.decode()
        except UnicodeDecodeError:
            raise InvalidNote("note is not UTF-8") from None
        if control := CONTROL.search(whole):
            raise InvalidNote(f"note holds control character {control[0]!r}")
        if not whole.endswith("\n"):
            raise InvalidNote("note does not end with a newline")
        # The last empty line separates the two, so that the text may have empty lines too.
        text, blank, signed = whole.rpartition("\n\n")
        if not blank:
            raise InvalidNote("note has no empty line between text and signatures")
        lines = signed.split("\n")[:-1]
        if not lines:
            raise InvalidNote("note has no signature")
        if len(lines) > MAX_SIGNATURES:
            raise InvalidNote(f"note has {len(lines)} signatures, while {MAX_SIGNATURES} are the most")
        return cls(text + "\n", tuple(_signature(line) for line in lines))

    def to_bytes(self) -> bytes:
        """The note as it is written.

        Raises:
            InvalidNote: if the text does not end with a newline, or holds what no note may.
        """
        data = "\n".join((self.text, *(signature.line for signature in self.signatures), "")).encode()
        if Note.parse(data) != self:
            raise InvalidNote("text or signatures cannot be written as a note that reads the same")
        return data

    def signed_by(self, signer: SigningKey) -> Note:
        """The note with one more signature."""
        public = signer.public
        signature = Signature(public.name, public.hash, signer.sign(self.text.encode()))
        return Note(self.text, (*self.signatures, signature))

    def verified_by(self, keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
        """Check the signatures of known keys; those of others mean nothing and are passed over.

        Returns:
            The keys that signed, in the order of their signatures.

        Raises:
            BadSignature: if one of them does not hold.
            InvalidNote: if there is none.
            InvalidKey: if two different known keys cannot be told apart.
        """
        known: dict[tuple[str, bytes], PublicKey] = {}
        for key in keys:
            if known.setdefault((key.name, key.hash), key) != key:
                raise InvalidKey(f"two known keys are called {key.name}+{key.hash.hex()}")
        found: list[PublicKey] = []
        for signature in self.signatures:
            signer = known.get((signature.name, signature.key_hash))
            if signer is not None:
                signer.verify(self.text.encode(), signature.data)
                found.append(signer)
        if not found:
            signers = ", ".join(f"{one.name}+{one.key_hash.hex()}" for one in self.signatures) or "nobody"
            raise InvalidNote(f"note is signed by {signers}, and by none of the known keys")
        return tuple(dict.fromkeys(found))


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or not line.startswith(_DASH):
        raise InvalidNote(f"signature line {line[:200]!r} is not '— NAME BASE64'")
    _, name, data = parts
    try:
        check_key_name(name)
        signed = decode(data)
    except ValueError as error:
        raise InvalidNote(f"signature line {line[:200]!r}: {error}") from None
    if len(signed) <= HASH_BYTES:
        raise InvalidNote(f"signature line {line[:200]!r} holds no signature")
    return Signature(name, signed[:HASH_BYTES], signed[HASH_BYTES:])
