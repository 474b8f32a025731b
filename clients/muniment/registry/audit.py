"""The ledger: read, and proved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING

from muniment.errors import InvalidArgument
from muniment.local_paths import local_path
from muniment.names import ALL_PROJECTS
from muniment.registry.session import Session, built, time_stamp
from muniment.v1 import ledger_service_pb2 as pb
from muniment.values import Checkpoint, ConsistencyProof, Event, InclusionProof, LogKey

if TYPE_CHECKING:
    from muniment.auditing.result import Verification


_NUMBER = re.compile("[1-9][0-9]{0,17}")


def entry_filter(
    session: Session, *, model: str | None, stage: str | None, actor: str | None, types: Sequence[str]
) -> tuple[str, pb.EntryFilter]:
    """The project to ask in and what to ask for; a model may name its project, and the number of a version.

    Raises:
        InvalidArgument: if it names a version otherwise: entries know versions by their numbers.
    """
    project, last, number = session.project.text, "", 0
    if model is not None:
        text, at, version = model.partition("@") if isinstance(model, str) else (model, "", "")
        name = session.model(text)
        project, last = f"projects/{name.project}", name.model
        if at:
            if not _NUMBER.fullmatch(version):
                raise InvalidArgument(
                    f"{model!r:.200} names no version by its number, as entries do: write {text:.100}@7"
                )
            number = int(version)
    if isinstance(types, str):
        raise InvalidArgument(f"types is the text {types!r}, while a sequence of texts is needed")
    wanted = built(
        pb.EntryFilter, model=last, number=number, stage=stage or "", types=types, actor=actor or ""
    )
    return project, wanted


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
            model: a model, or as ``churn@7`` one version of it: what is about that one, and what moved a stage
                or an alias away from it.
            types: event types; one ending in ``.*`` stands for all that begin so.
            since: only what happened then or later.
            until: only what happened before.
        """
        parent, wanted = entry_filter(self._session, model=model, stage=stage, actor=actor, types=types)
        request = built(
            pb.ListEntriesRequest,
            parent=ALL_PROJECTS if all_projects else parent,
            filter=wanted,
            start_time=time_stamp("since", since),
            end_time=time_stamp("until", until),
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

    def verify(
        self,
        *,
        full: bool | None = None,
        key: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verification:
        """Verify the ledger, believing nothing but a key; the checkpoint is kept for the next time.

        Args:
            full: True: read every entry, hash it, and compare what they imply with what the registry answers,
                which needs a role on the instance. False: have only proved that the ledger begins with what
                was seen before. None: full the first time.
            key: the public key to trust, or a file that holds it; by default the one seen before, and the
                first time the one the registry tells.
            progress: called with entries read and entries to read.

        Returns:
            What was verified; its ``differences`` are what is wrong, and it is false if there are any.

        Raises:
            LedgerUnproven: if no key that is believed signed the ledger.
            PermissionDenied: if it is to be full and the caller may not read all entries.
        """
        from muniment.auditing.seen import SeenCheckpoints
        from muniment.auditing.trust import read_key
        from muniment.auditing.verify import LiveVerification

        verification = LiveVerification(
            self._session,
            SeenCheckpoints(),
            key=None if key is None else read_key(key),
            progress=progress or (lambda _done, _total: None),
        )
        return verification.run(full)

    def export(self, directory: str | PathLike[str], *, key: str | None = None) -> Checkpoint:
        """Write the ledger into an empty directory, for whoever verifies it without this registry.

        Args:
            directory: one that is empty or does not exist.
            key: as for :meth:`verify`; nothing is written of a ledger that its key does not prove.

        Raises:
            LedgerUnproven: if the entries are not those that were signed, or no key that is believed signed them.
            DestinationRefused: if the directory holds something.
        """
        from muniment.auditing.asking import export_ledger
        from muniment.auditing.seen import SeenCheckpoints
        from muniment.auditing.trust import read_key

        trusted = None if key is None else read_key(key)
        return export_ledger(
            self._session, local_path(directory, "directory"), SeenCheckpoints(), key=trusted
        )

    def _parent(self) -> str:
        return self._session.project.text
