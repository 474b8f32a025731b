"""A ledger in a directory, which anyone verifies without the registry it came from.

::

    entries.jsonl    the bodies of the entries, byte for byte, one per line: entry 1 is the first line
    checkpoint       the signed head over exactly these entries (c2sp.org/tlog-checkpoint)
    keys             the public keys of the ledger, one per line, oldest first
    README.md        how to verify it, with 'muniment audit verify --export' or without
    SHA256SUMS       of the files above, as sha256sum writes and checks them
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from muniment.auditing.reading import LedgerReading
from muniment.auditing.result import Verification
from muniment.auditing.trust import keys_told_by, trust_in, unproven
from muniment.errors import CannotRead, CannotWrite, DestinationRefused, LedgerUnproven
from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.fold import Fold
from muniment.ledger.keys import PublicKey

ENTRIES, CHECKPOINT, KEYS, README, SUMS = "entries.jsonl", "checkpoint", "keys", "README.md", "SHA256SUMS"
_FILES = (ENTRIES, CHECKPOINT, KEYS, README)
_MOST_LINE = 64 * 1024 + 1
_PIECE = 1 << 20


def write_export(directory: Path, checkpoint: Checkpoint, note: bytes, bodies: Iterable[bytes]) -> Fold:
    """Write the entries a checkpoint is signed over, and verify on the way that they are.

    Raises:
        DestinationRefused: if the directory holds something.
        LedgerUnproven: if the entries are not those that were signed.
        CannotWrite: if it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise DestinationRefused(
                f"{directory} holds something: give an empty directory, or one to be made"
            )
        try:
            return _write(directory, checkpoint, note, bodies)
        except BaseException:
            # Half an export proves nothing, and would be in the way of the next try.
            for name in (*_FILES, SUMS):
                (directory / name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWrite(f"{error.filename or directory}: {error.strerror}") from error


def _write(directory: Path, checkpoint: Checkpoint, note: bytes, bodies: Iterable[bytes]) -> Fold:
    reading = LedgerReading()
    with (directory / ENTRIES).open("wb") as file:
        for body in bodies:
            if b"\n" in body:
                raise LedgerUnproven(f"entry {reading.size + 1} is not canonical JSON")
            reading.add(body)
            file.write(body + b"\n")
    if reading.differences:
        raise LedgerUnproven("; ".join(reading.differences))
    if (reading.size, reading.root) != (checkpoint.size, checkpoint.root):
        raise LedgerUnproven(
            f"{reading.size} entries lead to root {reading.root.hex()}, while {checkpoint.size} with root "
            f"{checkpoint.root.hex()} are signed"
        )
    keys = "".join(f"{state.key}\n" for _, state in sorted(reading.fold.log_keys.items()))
    (directory / CHECKPOINT).write_bytes(note)
    (directory / KEYS).write_text(keys, encoding="utf-8")
    (directory / README).write_text(_readme(checkpoint, keys), encoding="utf-8")
    sums = "".join(f"{_sha256(directory / name)}  {name}\n" for name in _FILES)
    (directory / SUMS).write_text(sums, encoding="utf-8")
    return reading.fold


def verify_export(directory: Path, key: PublicKey) -> Verification:
    """Verify an export with a key that is trusted, and nothing else.

    Raises:
        CannotRead: if a file is missing or cannot be read.
        LedgerUnproven: if the checkpoint is not signed by the key, or one that follows from it.
    """
    reading = LedgerReading()
    try:
        differences = list(_wrong_sums(directory))
        for body in _bodies(directory / ENTRIES, reading):
            reading.add(body)
        note = (directory / CHECKPOINT).read_bytes()
        listed = (directory / KEYS).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        listed = []
    except OSError as error:
        raise CannotRead(f"{error.filename}: {error.strerror}") from error
    keys, ends = keys_told_by(reading.fold), ""
    try:
        trust = trust_in(keys, given=key, seen=None)
        ends = trust.ends
        signed = open_checkpoint(note, trust.keys)
    except InvalidEvidence as error:
        raise unproven(f"the checkpoint in {directory}", error, ends) from error
    if key not in [known.key for known in keys]:
        reading.tell(f"no entry tells of key {key.text}")
    if reading.size != signed.size:
        reading.tell(f"{ENTRIES} has {reading.size} entries, while {signed.size} are signed")
    elif reading.root != signed.root:
        reading.tell(f"the entries lead to root {reading.root.hex()}, while {signed.root.hex()} is signed")
    if listed != [known.key.text for known in keys]:
        reading.tell(f"{KEYS} does not list the keys that the entries tell of")
    return Verification(
        origin=signed.origin,
        size=signed.size,
        root_hash=signed.root.hex(),
        key=trust.keys[-1].text,
        trust=trust.reason,
        is_full=True,
        entries=reading.size,
        replaced_keys=trust.breaks,
        differences=(*differences, *reading.differences),
    )


def _bodies(path: Path, reading: LedgerReading) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(_MOST_LINE + 1):
            if not line.endswith(b"\n"):
                reading.tell(
                    f"line {reading.size + 1} of {ENTRIES} has no end, or is longer than an entry may be"
                )
                return
            yield line[:-1]


def _wrong_sums(directory: Path) -> Iterator[str]:
    """Files that are not what SHA256SUMS says. It is not signed: it tells accidents, and covers the README."""
    expected = "".join(f"{_sha256(directory / name)}  {name}\n" for name in _FILES).encode()
    found = (directory / SUMS).read_bytes()
    if found == expected:
        return
    listed = set(found.splitlines())
    wrong = [line.decode().split("  ")[1] for line in expected.splitlines() if line not in listed]
    yield f"{SUMS} has other digests than {', '.join(wrong) or 'the files'}"


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()


def _readme(checkpoint: Checkpoint, keys: str) -> str:
    return f"""# The ledger {checkpoint.origin}, its first {checkpoint.size} entries

Get the public key of the ledger from its operator by a way you trust, and compare: it must be one of

    {keys.strip().replace(chr(10), chr(10) + "    ")}

With the `muniment` package, and no registry:

    muniment audit verify --export . --key '<the key you trust>'

Without it:

1. `sha256sum --check SHA256SUMS` shows that no file was damaged on its way.
2. `checkpoint` is a signed note (https://c2sp.org/signed-note) with a checkpoint
   (https://c2sp.org/tlog-checkpoint): name of the ledger, number of entries, root hash in base64. Verify the
   Ed25519 signature over the text before the empty line, line end included. If keys follow each other, entries of
   type `log.key_rotated` hold the statement by which each key names the next; one of type `log.key_replaced` says
   that a key was lost, and nothing proves that the next one is of the same people.
3. Each line of `entries.jsonl`, without its line end, is one entry, byte for byte: RFC 8785 canonical JSON. Its
   leaf hash is SHA-256(0x00 || line). Their RFC 6962 tree hash must be the root in the checkpoint:

       import base64, hashlib

       def root(leaves):
           if len(leaves) < 2:
               return leaves[0] if leaves else hashlib.sha256(b"").digest()
           left = 1 << (len(leaves) - 1).bit_length() - 1
           return hashlib.sha256(b"\\x01" + root(leaves[:left]) + root(leaves[left:])).digest()

       with open("entries.jsonl", "rb") as file:
           lines = file.read().split(b"\\n")[:-1]
       print(base64.b64encode(root([hashlib.sha256(b"\\x00" + line).digest() for line in lines])).decode())
"""
