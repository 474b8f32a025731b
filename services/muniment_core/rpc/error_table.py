"""The one table from domain errors to status codes, and the details that go with them.

Details follow https://google.aip.dev/193: ErrorInfo always, BadRequest for a field, PreconditionFailure for
a state, RetryInfo where repeating helps.
"""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from muniment_core.domain.errors import DomainError

DOMAIN = "muniment"
DETAILS_KEY = "grpc-status-details-bin"
RETRY_DELAY = Duration(nanos=200_000_000)

_Code = grpc.StatusCode
CODES: dict[str, grpc.StatusCode] = {
    "INVALID_NAME": _Code.INVALID_ARGUMENT,
    "INVALID_SELECTOR": _Code.INVALID_ARGUMENT,
    "INVALID_FIELD": _Code.INVALID_ARGUMENT,
    "INVALID_PAGE_TOKEN": _Code.INVALID_ARGUMENT,
    "INVALID_FILTER": _Code.INVALID_ARGUMENT,
    "INVALID_PATH": _Code.INVALID_ARGUMENT,
    "LIMIT_EXCEEDED": _Code.INVALID_ARGUMENT,
    "QUERY_TOO_LONG": _Code.DEADLINE_EXCEEDED,
    "PROJECT_NOT_FOUND": _Code.NOT_FOUND,
    "MODEL_NOT_FOUND": _Code.NOT_FOUND,
    "VERSION_NOT_FOUND": _Code.NOT_FOUND,
    "ALIAS_NOT_FOUND": _Code.NOT_FOUND,
    "STAGE_NOT_FOUND": _Code.NOT_FOUND,
    "STAGE_EMPTY": _Code.NOT_FOUND,
    "MANIFEST_NOT_FOUND": _Code.NOT_FOUND,
    "FILE_NOT_FOUND": _Code.NOT_FOUND,
    "PROMOTION_NOT_FOUND": _Code.NOT_FOUND,
    "ENTRY_NOT_FOUND": _Code.NOT_FOUND,
    "TOKEN_NOT_FOUND": _Code.NOT_FOUND,
    "PREDICTION_NOT_FOUND": _Code.NOT_FOUND,
    "PREDICTION_EXPIRED": _Code.FAILED_PRECONDITION,
    "SEQUENCE_BROKEN": _Code.ABORTED,
    "NAME_TAKEN": _Code.ALREADY_EXISTS,
    "REQUEST_ID_REUSED": _Code.ALREADY_EXISTS,
    "ETAG_MISMATCH": _Code.ABORTED,
    "CURRENT_MISMATCH": _Code.ABORTED,
    "ALREADY_CURRENT": _Code.FAILED_PRECONDITION,
    "NO_PREVIOUS_VERSION": _Code.FAILED_PRECONDITION,
    "VERSION_NOT_READY": _Code.FAILED_PRECONDITION,
    "VERSION_NOT_ARCHIVED": _Code.FAILED_PRECONDITION,
    "IN_USE": _Code.FAILED_PRECONDITION,
    "CHUNK_MISSING": _Code.FAILED_PRECONDITION,
    "DIGEST_MISMATCH": _Code.INVALID_ARGUMENT,
    "SIZE_MISMATCH": _Code.INVALID_ARGUMENT,
    "FRAME_OUT_OF_ORDER": _Code.INVALID_ARGUMENT,
    "BYTES_DAMAGED": _Code.DATA_LOSS,
    "BYTES_ARCHIVED": _Code.FAILED_PRECONDITION,
    "SIGNATURE_INVALID": _Code.INVALID_ARGUMENT,
    "SIGNATURE_MISMATCH": _Code.INVALID_ARGUMENT,
    "SIGNATURE_NOT_FOUND": _Code.NOT_FOUND,
    "TRANSFERS_BUSY": _Code.UNAVAILABLE,
    "TENSOR_NOT_FOUND": _Code.NOT_FOUND,
    "HEADER_INVALID": _Code.FAILED_PRECONDITION,
    "TOKEN_MISSING": _Code.UNAUTHENTICATED,
    "TOKEN_INVALID": _Code.UNAUTHENTICATED,
    "PERMISSION_DENIED": _Code.PERMISSION_DENIED,
    "STORAGE_FULL": _Code.RESOURCE_EXHAUSTED,
    "STORAGE_UNAVAILABLE": _Code.UNAVAILABLE,
    "DATABASE_UNAVAILABLE": _Code.UNAVAILABLE,
    "SHUTTING_DOWN": _Code.UNAVAILABLE,
    "INTERNAL": _Code.INTERNAL,
    "PEER_UNAVAILABLE": _Code.UNAVAILABLE,
    "LEDGER_RECOVERY": _Code.FAILED_PRECONDITION,
    "CHECKPOINT_PENDING": _Code.UNAVAILABLE,
    "LEDGER_DAMAGED": _Code.DATA_LOSS,
}


def status_of(error: DomainError) -> tuple[grpc.StatusCode, status_pb2.Status]:
    """The status code of a refusal, and the status with its details."""
    code = CODES[error.reason]
    status = status_pb2.Status(code=code.value[0], message=error.message)
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.facts)
    ]
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if code is _Code.FAILED_PRECONDITION:
        failure = error_details_pb2.PreconditionFailure.Violation(
            type=error.reason, subject=next(iter(error.facts.values()), ""), description=error.message
        )
        details.append(error_details_pb2.PreconditionFailure(violations=[failure]))
    if code is _Code.UNAVAILABLE:
        details.append(error_details_pb2.RetryInfo(retry_delay=RETRY_DELAY))
    for detail in details:
        packed: Any = status.details.add()
        packed.Pack(detail)
    return code, status


def error_metadata(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries a status."""
    return ((DETAILS_KEY, status.SerializeToString()),)


def error_info(metadata: Iterable[tuple[str, str | bytes]] | None) -> error_details_pb2.ErrorInfo | None:
    """The reason and the facts of a refusal, from the trailing metadata another service answered with."""
    for key, value in metadata or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info
    return None
