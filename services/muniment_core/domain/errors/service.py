"""What keeps the server from answering."""

from __future__ import annotations

from muniment_core.domain.errors.base import DomainError


class StorageFull(DomainError):
    """The store for bytes or the database has no room."""

    reason = "STORAGE_FULL"

    def __init__(self, store: str) -> None:
        super().__init__(f"the {store} store is full: free space on the server, then repeat", store=store)


class StorageUnavailable(DomainError):
    """The store for bytes does not answer."""

    reason = "STORAGE_UNAVAILABLE"

    def __init__(self, store: str) -> None:
        super().__init__(f"the {store} store does not answer: try again", store=store)


class DatabaseUnavailable(DomainError):
    """The database does not answer."""

    reason = "DATABASE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the database does not answer: try again")


class TransfersBusy(DomainError):
    """The server carries as many streams of bytes as it can, or the caller leaves too many unread."""

    reason = "TRANSFERS_BUSY"

    def __init__(self) -> None:
        super().__init__("the server carries as many transfers as it can: try again")


class ShuttingDown(DomainError):
    """The server is stopping."""

    reason = "SHUTTING_DOWN"

    def __init__(self) -> None:
        super().__init__("the server is stopping: try again, another replica or the next process answers")


class LedgerRecovery(DomainError):
    """The ledger is not what was signed, so that nothing is written until the operator has decided."""

    reason = "LEDGER_RECOVERY"

    def __init__(self) -> None:
        super().__init__(
            "the ledger is not what was signed, so nothing is changed until its operator has decided: "
            "run 'muniment-server fsck' there"
        )


class CheckpointPending(DomainError):
    """No signed checkpoint is long enough yet."""

    reason = "CHECKPOINT_PENDING"

    def __init__(self, wanted: int, signed: int) -> None:
        super().__init__(
            f"the newest signed checkpoint has {signed} entries, while {wanted} are needed: try again in a second",
            wanted=wanted,
            signed=signed,
        )


class TreeDamaged(DomainError):
    """The stored tree of the ledger does not lead to the root that was signed."""

    reason = "LEDGER_DAMAGED"

    def __init__(self, size: int) -> None:
        super().__init__(
            f"the ledger's tree of {size} entries is damaged: its operator should run 'muniment-server fsck'",
            size=size,
        )


class PeerUnavailable(DomainError):
    """A service this one depends on does not answer."""

    reason = "PEER_UNAVAILABLE"

    def __init__(self, peer: str) -> None:
        super().__init__(f"the {peer} service does not answer: try again", peer=peer)


class Defect(DomainError):
    """A defect of the server; its log tells more under the incident number."""

    reason = "INTERNAL"

    def __init__(self, incident: str) -> None:
        super().__init__(
            f"the server has a defect; its log tells more under incident {incident}", incident=incident
        )
