"""From what gRPC says to the errors of the SDK: one literal table per kind of answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from muniment import errors
from muniment.errors import MunimentError

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "muniment"

REASONS: Mapping[str, type[MunimentError]] = {
    "INVALID_NAME": errors.InvalidName,
    "INVALID_SELECTOR": errors.InvalidSelector,
    "INVALID_FIELD": errors.InvalidField,
    "INVALID_PAGE_TOKEN": errors.InvalidPageToken,
    "INVALID_FILTER": errors.InvalidFilter,
    "INVALID_PATH": errors.InvalidPath,
    "LIMIT_EXCEEDED": errors.LimitExceeded,
    "QUERY_TOO_LONG": errors.QueryTooLong,
    "PROJECT_NOT_FOUND": errors.ProjectNotFound,
    "MODEL_NOT_FOUND": errors.ModelNotFound,
    "VERSION_NOT_FOUND": errors.VersionNotFound,
    "ALIAS_NOT_FOUND": errors.AliasNotFound,
    "STAGE_NOT_FOUND": errors.StageNotFound,
    "STAGE_EMPTY": errors.StageEmpty,
    "MANIFEST_NOT_FOUND": errors.ManifestNotFound,
    "FILE_NOT_FOUND": errors.FileNotFound,
    "PROMOTION_NOT_FOUND": errors.PromotionNotFound,
    "ENTRY_NOT_FOUND": errors.EntryNotFound,
    "TOKEN_NOT_FOUND": errors.TokenNotFound,
    "PREDICTION_NOT_FOUND": errors.PredictionNotFound,
    "PREDICTION_EXPIRED": errors.PredictionExpired,
    "SEQUENCE_BROKEN": errors.SequenceBroken,
    "NAME_TAKEN": errors.NameTaken,
    "REQUEST_ID_REUSED": errors.RequestIdReused,
    "ETAG_MISMATCH": errors.EtagMismatch,
    "CURRENT_MISMATCH": errors.CurrentMismatch,
    "ALREADY_CURRENT": errors.AlreadyCurrent,
    "NO_PREVIOUS_VERSION": errors.NoPreviousVersion,
    "VERSION_NOT_READY": errors.VersionNotReady,
    "VERSION_NOT_ARCHIVED": errors.VersionNotArchived,
    "IN_USE": errors.InUse,
    "DIGEST_MISMATCH": errors.DigestMismatch,
    "SIZE_MISMATCH": errors.SizeMismatch,
    "CHUNK_MISSING": errors.ChunkMissing,
    "FRAME_OUT_OF_ORDER": errors.FrameOutOfOrder,
    "SIGNATURE_INVALID": errors.SignatureInvalid,
    "SIGNATURE_MISMATCH": errors.SignatureMismatch,
    "SIGNATURE_NOT_FOUND": errors.SignatureNotFound,
    "BYTES_DAMAGED": errors.BytesDamaged,
    "BYTES_ARCHIVED": errors.BytesArchived,
    "TOKEN_MISSING": errors.TokenMissing,
    "TOKEN_INVALID": errors.TokenInvalid,
    "PERMISSION_DENIED": errors.PermissionDenied,
    "STORAGE_FULL": errors.StorageFull,
    "STORAGE_UNAVAILABLE": errors.StorageUnavailable,
    "DATABASE_UNAVAILABLE": errors.DatabaseUnavailable,
    "SHUTTING_DOWN": errors.ShuttingDown,
    "TRANSFERS_BUSY": errors.TransfersBusy,
    "TENSOR_NOT_FOUND": errors.TensorNotFound,
    "HEADER_INVALID": errors.HeaderInvalid,
    "INTERNAL": errors.Internal,
    "PEER_UNAVAILABLE": errors.PeerUnavailable,
    "LEDGER_RECOVERY": errors.LedgerRecovery,
    "CHECKPOINT_PENDING": errors.CheckpointPending,
    "LEDGER_DAMAGED": errors.LedgerDamaged,
}
"""The class of each ``ErrorReason``, without its prefix."""

_HUNG_UP = "Socket closed"
_Code = grpc.StatusCode
FAMILIES: Mapping[grpc.StatusCode, type[MunimentError]] = {
    _Code.INVALID_ARGUMENT: errors.InvalidArgument,
    _Code.OUT_OF_RANGE: errors.InvalidArgument,
    _Code.NOT_FOUND: errors.NotFound,
    _Code.ALREADY_EXISTS: errors.AlreadyExists,
    _Code.ABORTED: errors.Conflict,
    _Code.FAILED_PRECONDITION: errors.FailedPrecondition,
    _Code.PERMISSION_DENIED: errors.PermissionDenied,
    _Code.UNAUTHENTICATED: errors.Unauthenticated,
    _Code.RESOURCE_EXHAUSTED: errors.LimitExceeded,
    _Code.DATA_LOSS: errors.Damaged,
    _Code.UNAVAILABLE: errors.Unavailable,
    _Code.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    _Code.CANCELLED: errors.Unavailable,
}
"""The class of a status without a reason this SDK knows; others are INTERNAL."""


def translated(error: grpc.RpcError, target: str, *, plain: bool = False) -> MunimentError:
    """The error a failed call means.

    Args:
        error: as gRPC raised it from a call, or from iterating over one.
        target: address that was called, for the sentence.
        plain: whether the channel speaks without TLS to a server that may want it.
    """
    # Every RpcError that a call raises is also a grpc.Call.
    call: Any = error
    code: grpc.StatusCode = call.code()
    message: str = call.details() or code.name
    info = _error_info(call.trailing_metadata())
    if info is not None:
        # A newer server may have reasons this SDK has not heard of: the family still holds.
        kind = REASONS.get(info.reason) or FAMILIES.get(code, errors.Internal)
        return kind(message, info.reason, info.metadata)
    if code is _Code.UNAVAILABLE:
        if plain and _HUNG_UP in message:
            message += "; a server that speaks TLS hangs up so: if this one does, give a CA file (--ca-file)"
        return errors.Unreachable(f"no registry answers at {target}: {message}")
    if code is _Code.DEADLINE_EXCEEDED:
        return errors.DeadlineExceeded(f"the registry at {target} did not answer in time")
    if code is _Code.UNIMPLEMENTED:
        return errors.Internal(f"the registry at {target} does not serve this call: {message}")
    return FAMILIES.get(code, errors.Internal)(message)


def _error_info(metadata: Any) -> error_details_pb2.ErrorInfo | None:
    for key, value in metadata or ():
        if key == DETAILS_KEY:
            try:
                for detail in status_pb2.Status.FromString(value).details:
                    info = error_details_pb2.ErrorInfo()
                    if detail.Unpack(info) and info.domain == DOMAIN:
                        return info
            except DecodeError:
                return None
    return None
