"""The ledger: read, and proved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from muniment.errors import InvalidArgument
from muniment.names import ALL_PROJECTS
from muniment.registry.session import Session, built, sendable
from muniment.v1 import ledger_service_pb2 as pb
from muniment.values import Checkpoint, ConsistencyProof, Event, InclusionProof, LogKey


def entry_filter(
    session: Session, *, model: str | None, stage: str | None, actor: str | None, types: Sequence[str]
) -> tuple[str, pb.EntryFilter]:
    """The project to ask in and what to ask for; a model may name its project."""
    project, last = session.project.text, ""
    if model is not None:
        name = session.model(model)
        project, last = f"projects/{name.project}", name.model
    if isinstance(types, str):
        raise InvalidArgument(f"types is the text {types!r}, while a sequence of texts is needed")
    return project, built(pb.EntryFilter, model=last, stage=stage or "", types=types, actor=actor or "")


class Audit:
    """What auditors ask of a registry; ``registry.audit``.

    Proofs and checkpoints are what the registry says: :mod:`muniment.ledger` verifies them, with a key that you
    got from someone you trust. ``all_projects`` also covers other projects and the instance itself, for those
    who may read them.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def log(
        self,
        *,
        model: str | None = None,
        stage: str | None = None,
        actor: str | None = None,
        types: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = False,
        all_projects: bool = False,
    ) -> Iterator[Event]:
        """Everything that happened in the project, oldest first unless asked otherwise.

        Args:
            types: event types; one ending in ``.*`` stands for all that begin so.
            since: only what happened then or later.
            until: only what happened before.
        """
        parent, wanted = entry_filter(self._session, model=model, stage=stage, actor=actor, types=types)
        request = built(
            pb.ListEntriesRequest,
            parent=ALL_PROJECTS if all_projects else parent,
            filter=wanted,
            start_time=_stamp("since", since),
            end_time=_stamp("until", until),
            newest_first=newest_first,
        )
        return map(Event.of, self._session.calls.pages(self._session.ledger.ListEntries, request, "entries"))

    def checkpoint(self, min_size: int = 0) -> Checkpoint:
        """The newest signed head of the ledger; with ``min_size`` one that covers so many entries.

        Raises:
            CheckpointPending: if they were not signed within two seconds.
        """
        request = built(pb.GetCheckpointRequest, parent=self._parent(), min_size=min_size)
        return Checkpoint.of(self._session.calls.unary(self._session.ledger.GetCheckpoint, request))

    def inclusion_proof(
        self, revision: int, *, tree_size: int = 0, all_projects: bool = False
    ) -> InclusionProof:
        """Have an entry proved to be in the ledger of a size; 0: that of the newest checkpoint.

        Raises:
            EntryNotFound: if the project has no such entry.
        """
        parent = ALL_PROJECTS if all_projects else self._parent()
        request = built(pb.GetInclusionProofRequest, parent=parent, revision=revision, tree_size=tree_size)
        return InclusionProof.of(self._session.calls.unary(self._session.ledger.GetInclusionProof, request))

    def consistency_proof(self, from_size: int, to_size: int = 0) -> ConsistencyProof:
        """Have the ledger of a size (0: that of the newest checkpoint) proved to begin with an earlier one."""
        request = built(
            pb.GetConsistencyProofRequest, parent=self._parent(), from_size=from_size, to_size=to_size
        )
        return ConsistencyProof.of(
            self._session.calls.unary(self._session.ledger.GetConsistencyProof, request)
        )

    def log_keys(self) -> list[LogKey]:
        """The public keys of the ledger, oldest first; the last one signs now."""
        request = pb.ListLogKeysRequest(parent=self._parent())
        response = self._session.calls.unary(self._session.ledger.ListLogKeys, request)
        return [LogKey.of(key) for key in response.keys]

    def _parent(self) -> str:
        return self._session.project.text


def _stamp(what: str, time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidArgument(f"{what} time {time.isoformat()} has no time zone")
    stamp = Timestamp()
    with sendable(what):
        stamp.FromDatetime(time)
    return stamp
