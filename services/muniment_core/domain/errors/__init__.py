"""Why the registry refuses.

A domain error is a class with a fixed reason and named facts; its sentence is built from the facts. It says
what to do only where that is the same for every caller: what a person does with a verb of the command line or
a setting is said by the SDK, and nothing is said by both. Which status code a reason becomes is decided in one
place, :mod:`muniment_core.rpc.error_table`.
"""

from __future__ import annotations

from muniment_core.domain.errors.access import PermissionDenied, TokenInvalid, TokenMissing
from muniment_core.domain.errors.base import DomainError
from muniment_core.domain.errors.content import (
    BytesDamaged,
    ChunkMissing,
    DigestMismatch,
    FrameOutOfOrder,
    HeaderInvalid,
    SignatureInvalid,
    SignatureMismatch,
    SizeMismatch,
)
from muniment_core.domain.errors.requests import (
    InvalidField,
    InvalidFilter,
    InvalidName,
    InvalidPageToken,
    InvalidPath,
    InvalidSelector,
    LimitExceeded,
    RequestIdReused,
)
from muniment_core.domain.errors.resources import (
    AliasNotFound,
    EntryNotFound,
    FileNotFound,
    ManifestNotFound,
    ModelNotFound,
    NameTaken,
    PredictionExpired,
    PredictionNotFound,
    ProjectNotFound,
    PromotionNotFound,
    SignatureNotFound,
    StageEmpty,
    StageNotFound,
    TensorNotFound,
    TokenNotFound,
    VersionNotFound,
)
from muniment_core.domain.errors.service import (
    CheckpointPending,
    DatabaseUnavailable,
    Defect,
    LedgerRecovery,
    PeerUnavailable,
    ShuttingDown,
    StorageFull,
    StorageUnavailable,
    TransfersBusy,
    TreeDamaged,
)
from muniment_core.domain.errors.states import (
    AlreadyCurrent,
    CurrentMismatch,
    EtagMismatch,
    InUse,
    NoPreviousVersion,
    SequenceBroken,
    VersionNotReady,
)

__all__ = [
    "AliasNotFound",
    "AlreadyCurrent",
    "BytesDamaged",
    "CheckpointPending",
    "ChunkMissing",
    "CurrentMismatch",
    "DatabaseUnavailable",
    "Defect",
    "DigestMismatch",
    "DomainError",
    "EntryNotFound",
    "EtagMismatch",
    "FileNotFound",
    "FrameOutOfOrder",
    "HeaderInvalid",
    "InUse",
    "InvalidField",
    "InvalidFilter",
    "InvalidName",
    "InvalidPageToken",
    "InvalidPath",
    "InvalidSelector",
    "LedgerRecovery",
    "LimitExceeded",
    "ManifestNotFound",
    "ModelNotFound",
    "NameTaken",
    "NoPreviousVersion",
    "PeerUnavailable",
    "PermissionDenied",
    "PredictionExpired",
    "PredictionNotFound",
    "ProjectNotFound",
    "PromotionNotFound",
    "RequestIdReused",
    "SequenceBroken",
    "ShuttingDown",
    "SignatureInvalid",
    "SignatureMismatch",
    "SignatureNotFound",
    "SizeMismatch",
    "StageEmpty",
    "StageNotFound",
    "StorageFull",
    "StorageUnavailable",
    "TensorNotFound",
    "TokenInvalid",
    "TokenMissing",
    "TokenNotFound",
    "TransfersBusy",
    "TreeDamaged",
    "VersionNotFound",
    "VersionNotReady",
]
