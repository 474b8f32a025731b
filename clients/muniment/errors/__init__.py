"""Everything the SDK raises.

::

    MunimentError
    ├── InvalidArgument      InvalidName InvalidSelector InvalidField InvalidPageToken InvalidFilter InvalidPath
    │                        LimitExceeded DigestMismatch SizeMismatch FrameOutOfOrder InvalidTarget
    │                        SignatureInvalid SignatureMismatch
    ├── NotFound             ProjectNotFound ModelNotFound VersionNotFound AliasNotFound StageNotFound StageEmpty
    │                        ManifestNotFound FileNotFound PromotionNotFound EntryNotFound TokenNotFound
    │                        PredictionNotFound SignatureNotFound
    ├── AlreadyExists        NameTaken RequestIdReused
    ├── Conflict             EtagMismatch CurrentMismatch SequenceBroken
    ├── FailedPrecondition   AlreadyCurrent NoPreviousVersion VersionNotReady InUse ChunkMissing
    │                        LedgerRecovery PredictionExpired
    ├── Unauthenticated      TokenMissing TokenInvalid
    ├── PermissionDenied
    ├── StorageFull
    ├── Damaged              BytesDamaged LedgerDamaged DownloadRefused
    ├── Unavailable          Unreachable StorageUnavailable DatabaseUnavailable PeerUnavailable ShuttingDown
    │                        CheckpointPending TransfersBusy
    ├── DeadlineExceeded
    ├── Internal
    └── LocalError           SourceRefused (SourceMissing EmptyDirectory SymlinkRefused) FileChanged CannotRead
                             DestinationRefused CannotWrite LedgerUnproven RegistryClosed TokenInClear
                             ServerNotInstalled ServerNotStarted BufferFull CacheRefused

A class whose name is that of an ``ErrorReason`` is raised for that reason and no other; its family tells the
status. ``diagnostics()`` is what the command line prints. This module imports the standard library alone.
"""

from muniment.errors.base import MunimentError
from muniment.errors.local import (
    BufferFull,
    CacheRefused,
    CannotRead,
    CannotWrite,
    DestinationRefused,
    EmptyDirectory,
    FileChanged,
    LedgerUnproven,
    LocalError,
    RegistryClosed,
    ServerNotInstalled,
    ServerNotStarted,
    SourceMissing,
    SourceRefused,
    SymlinkRefused,
    TokenInClear,
)
from muniment.errors.remote import (
    AliasNotFound,
    AlreadyCurrent,
    AlreadyExists,
    BytesDamaged,
    CheckpointPending,
    ChunkMissing,
    Conflict,
    CurrentMismatch,
    Damaged,
    DatabaseUnavailable,
    DeadlineExceeded,
    DigestMismatch,
    DownloadRefused,
    EntryNotFound,
    EtagMismatch,
    FailedPrecondition,
    FileNotFound,
    FrameOutOfOrder,
    Internal,
    InUse,
    InvalidArgument,
    InvalidField,
    InvalidFilter,
    InvalidName,
    InvalidPageToken,
    InvalidPath,
    InvalidSelector,
    InvalidTarget,
    LedgerDamaged,
    LedgerRecovery,
    LimitExceeded,
    ManifestNotFound,
    ModelNotFound,
    NameTaken,
    NoPreviousVersion,
    NotFound,
    PeerUnavailable,
    PermissionDenied,
    PredictionExpired,
    PredictionNotFound,
    ProjectNotFound,
    PromotionNotFound,
    RequestIdReused,
    SequenceBroken,
    ShuttingDown,
    SignatureInvalid,
    SignatureMismatch,
    SignatureNotFound,
    SizeMismatch,
    StageEmpty,
    StageNotFound,
    StorageFull,
    StorageUnavailable,
    TokenInvalid,
    TokenMissing,
    TokenNotFound,
    TransfersBusy,
    Unauthenticated,
    Unavailable,
    Unreachable,
    VersionNotFound,
    VersionNotReady,
)

__all__ = [
    "AliasNotFound",
    "AlreadyCurrent",
    "AlreadyExists",
    "BufferFull",
    "BytesDamaged",
    "CacheRefused",
    "CannotRead",
    "CannotWrite",
    "CheckpointPending",
    "ChunkMissing",
    "Conflict",
    "CurrentMismatch",
    "Damaged",
    "DatabaseUnavailable",
    "DeadlineExceeded",
    "DestinationRefused",
    "DigestMismatch",
    "DownloadRefused",
    "EmptyDirectory",
    "EntryNotFound",
    "EtagMismatch",
    "FailedPrecondition",
    "FileChanged",
    "FileNotFound",
    "FrameOutOfOrder",
    "InUse",
    "Internal",
    "InvalidArgument",
    "InvalidField",
    "InvalidFilter",
    "InvalidName",
    "InvalidPageToken",
    "InvalidPath",
    "InvalidSelector",
    "InvalidTarget",
    "LedgerDamaged",
    "LedgerRecovery",
    "LedgerUnproven",
    "LimitExceeded",
    "LocalError",
    "ManifestNotFound",
    "ModelNotFound",
    "MunimentError",
    "NameTaken",
    "NoPreviousVersion",
    "NotFound",
    "PeerUnavailable",
    "PermissionDenied",
    "PredictionExpired",
    "PredictionNotFound",
    "ProjectNotFound",
    "PromotionNotFound",
    "RegistryClosed",
    "RequestIdReused",
    "SequenceBroken",
    "ServerNotInstalled",
    "ServerNotStarted",
    "ShuttingDown",
    "SignatureInvalid",
    "SignatureMismatch",
    "SignatureNotFound",
    "SizeMismatch",
    "SourceMissing",
    "SourceRefused",
    "StageEmpty",
    "StageNotFound",
    "StorageFull",
    "StorageUnavailable",
    "SymlinkRefused",
    "TokenInClear",
    "TokenInvalid",
    "TokenMissing",
    "TokenNotFound",
    "TransfersBusy",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "VersionNotFound",
    "VersionNotReady",
]
