"""Verifying the ledger of a running registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from muniment.auditing.asking import PAGE, all_entries, newest_checkpoint, open_trusted
from muniment.auditing.comparison import StateComparison
from muniment.auditing.reading import LedgerReading
from muniment.auditing.result import Verification
from muniment.auditing.seen import Seen, SeenCheckpoints
from muniment.auditing.trust import Trust, breaks_in, keys_told_by
from muniment.errors import CannotWrite, LedgerUnproven
from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.columns import time_text
from muniment.ledger.entries import Body
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import leaf_hash, verify_consistency
from muniment.registry.session import Session
from muniment.v1 import ledger_service_pb2 as pb

Progress = Callable[[int, int], None]


class LiveVerification:
    """Verifies what a registry says of its ledger, with nothing believed but a key."""

    def __init__(
        self, session: Session, seen: SeenCheckpoints, *, key: PublicKey | None, progress: Progress
    ) -> None:
        """
        Args:
            session: the registry.
            seen: what was seen before, and where to keep what is seen now.
            key: the key to trust; None: the one seen before, or else the one the registry tells.
            progress: told how many entries were read, and of how many.
        """
        self._session = session
        self._seen = seen
        self._key = key
        self._progress = progress
        self._parent = session.project.text

    def run(self, full: bool | None) -> Verification:
        """Verify; None reads all entries only when no checkpoint was seen before.

        Raises:
            LedgerUnproven: if the checkpoint is signed by no key that is believed.
            PermissionDenied: if all entries are to be read and the caller may not.
        """
        message = newest_checkpoint(self._session)
        seen = self._seen.of(message.origin)
        signed, trust = open_trusted(self._session, message, given=self._key, seen=seen.key if seen else None)
        signer = _signer(message.note, trust, signed)
        differences = self._after(seen, signed, message.note) if seen else []
        is_full = full if full is not None else seen is None
        entries = compared = tokens = 0
        replaced = trust.breaks
        if is_full:
            reading = self._read(signed, watched=seen.checkpoint.size if seen else 0)
            entries = reading.size
            replaced = tuple(dict.fromkeys((*replaced, *breaks_in(keys_told_by(reading.fold)))))
            if not differences and seen is not None and reading.watched_root != seen.checkpoint.root:
                differences += self._forked(seen, message.note, "the entries read lead to another root")
            if not reading.differences:
                compared, tokens, found = StateComparison(self._session, reading).run()
                differences += found
            differences += reading.differences
        if not differences:
            self._keep(Seen(signed, message.note, signer))
        return Verification(
            origin=signed.origin,
            size=signed.size,
            root_hash=signed.root.hex(),
            key=signer.text,
            trust=trust.reason,
            is_full=is_full,
            entries=entries,
            compared=compared,
            compared_tokens=tokens,
            begins_with=seen.checkpoint.size if seen else 0,
            replaced_keys=replaced,
            differences=tuple(differences),
        )

    def _after(self, seen: Seen, signed: Checkpoint, note: bytes) -> list[str]:
        """What contradicts the checkpoint that was seen before."""
        before = seen.checkpoint
        if signed.size < before.size:
            return self._forked(seen, note, f"it was {before.size} entries long and has {signed.size} now")
        if signed.size == before.size:
            if signed.root == before.root:
                return []
            return self._forked(seen, note, f"two heads of {signed.size} entries were signed")
        request = pb.GetConsistencyProofRequest(
            parent=self._parent, from_size=before.size, to_size=signed.size
        )
        proof = self._session.calls.unary(self._session.ledger.GetConsistencyProof, request)
        try:
            verify_consistency(before.size, signed.size, before.root, signed.root, list(proof.hashes))
        except InvalidEvidence as error:
            return self._forked(seen, note, str(error))
        return []

    def _keep(self, seen: Seen) -> None:
        try:
            self._seen.keep(seen)
        except CannotWrite as error:
            raise CannotWrite(
                f"nothing is wrong with the {seen.checkpoint.size} entries of {seen.checkpoint.origin}, but that "
                f"they were seen cannot be kept, so the next verification begins anew: {error.message}"
            ) from error

    def _forked(self, seen: Seen, note: bytes, how: str) -> list[str]:
        what = f"THE LEDGER IS NOT THE ONE SEEN BEFORE: {how}"
        try:
            kept = self._seen.keep_fork(seen, note)
        except CannotWrite as error:
            return [
                f"{what}. Neither of the signed checkpoints, which prove it to anyone, can be kept; make room and "
                f"verify again: {error.message}"
            ]
        return [
            f"{what}. Both signed checkpoints are kept, {kept} and {kept.with_suffix('.seen').name} beside it: "
            "they prove it to anyone"
        ]

    def _read(self, signed: Checkpoint, *, watched: int) -> LedgerReading:
        reading = LedgerReading(watched=watched)
        for entry in all_entries(self._session):
            if reading.size == signed.size:
                break
            members = reading.add(entry.body)
            if entry.leaf_hash != leaf_hash(entry.body):
                reading.tell(
                    f"entry {reading.size} leaf_hash is {entry.leaf_hash.hex()}, which is not that of its body"
                )
            if members is not None:
                for column, found, expected in _message_differences(entry, members):
                    reading.tell(
                        f"entry {reading.size} {column} is {found!r:.100}, while its body says {expected!r:.100}"
                    )
            if reading.size % PAGE == 0:
                self._progress(reading.size, signed.size)
        self._progress(reading.size, signed.size)
        if reading.size != signed.size:
            reading.tell(f"the registry lists {reading.size} entries, while {signed.size} are signed")
        elif reading.root != signed.root:
            reading.tell(
                f"the entries lead to root {reading.root.hex()}, while {signed.root.hex()} is signed"
            )
        return reading


def _signer(note: bytes, trust: Trust, signed: Checkpoint) -> PublicKey:
    for key in reversed(trust.keys):
        try:
            open_checkpoint(note, [key], origin=signed.origin)
        except InvalidEvidence:
            continue
        return key
    raise LedgerUnproven(f"the checkpoint of {signed.origin} is signed by no key that is believed")


def _message_differences(entry: Any, members: Body) -> Iterator[tuple[str, object, object]]:
    """The fields of an entry that do not say what its body says."""
    get = members.get
    project = f"projects/{members['project']}" if "project" in members else ""
    expected = (
        ("revision", entry.revision, members["revision"]),
        ("type", entry.type, members["type"]),
        ("actor", entry.actor, members["actor"]),
        ("project", entry.project, project),
        ("model", entry.model, f"{project}/models/{members['model']}" if "model" in members else ""),
        ("stage", entry.stage, get("stage", "")),
        ("number", entry.number, get("number", 0)),
        ("previous_number", entry.previous_number, get("previous_number", 0)),
        ("digest", entry.digest, get("digest", "")),
        ("reason", entry.reason, get("reason", "")),
    )
    for column, found, told in expected:
        if found != told:
            yield column, found, told
    time = time_text(entry.time.seconds * 1_000_000 + entry.time.nanos // 1_000)
    if time != members["time"]:
        yield "time", time, members["time"]
