"""Entries of the ledger as whoever verifies them reads them: canonical JSON, bound by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.ledger.canonical import NotCanonical, write
from muniment.ledger.entries import MalformedEntry, read_body
from muniment.ledger.members import Malformed
from muniment.ledger.merkle import leaf_hash


@dataclass(frozen=True, slots=True)
class VerifiableEntry:
    """What an entry says, not verified.

    Attributes:
        leaf: RFC 6962 leaf hash of its bytes.
        project, model, stage, digest, reason: empty when it is not about one.
        number: of a version; 0: none.
        data: what else belongs to the change.
    """

    leaf: bytes
    revision: int
    type: str
    time: str
    actor: str
    project: str
    model: str
    stage: str
    number: int
    digest: str
    reason: str
    data: Mapping[str, object]

    @classmethod
    def read(cls, value: Mapping[str, object], where: str) -> VerifiableEntry:
        """Read an entry's JSON. Members this program does not know are allowed: they are bound all the same.

        Raises:
            Malformed: if it is no entry of the format that is known here.
        """
        try:
            body = write(value)
            found = read_body(body)
        except (NotCanonical, MalformedEntry) as error:
            raise Malformed(f"{where} is no ledger entry: {error}") from None
        return cls(
            leaf=leaf_hash(body),
            revision=found["revision"],
            type=found["type"],
            time=found["time"],
            actor=found["actor"],
            project=found.get("project", ""),
            model=found.get("model", ""),
            stage=found.get("stage", ""),
            number=found.get("number", 0),
            digest=found.get("digest", ""),
            reason=found.get("reason", ""),
            data=found.get("data", {}),
        )

    @property
    def version(self) -> str:
        """Resource name of the version it is about."""
        return f"projects/{self.project}/models/{self.model}/versions/{self.number}"
