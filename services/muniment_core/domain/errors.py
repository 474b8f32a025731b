"""Why the registry refuses.

A domain error is a class with a fixed reason and named facts; its sentence is built from the facts and
says what to do. Which status code a reason becomes is decided in one place,
:mod:`muniment_core.rpc.error_table`.
"""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Base of all refusals.

    Attributes:
        reason: name of the ``ErrorReason`` value without its prefix.
        facts: named facts for programs, as text.
        field: the request field at fault, or empty.
    """

    reason: ClassVar[str]

    def __init__(self, message: str, *, field: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = {name: str(value) for name, value in facts.items()}
        if field:
            self.facts["field"] = field


class InvalidName(DomainError):
    """A name breaks the rule of its kind."""

    reason = "INVALID_NAME"

    def __init__(self, field: str, value: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field, value=value[:200])


class InvalidSelector(DomainError):
    """A selector cannot be read."""

    reason = "INVALID_SELECTOR"

    def __init__(self, field: str, value: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field, value=value[:200])


class InvalidField(DomainError):
    """A field is missing, out of range or contradicts another."""

    reason = "INVALID_FIELD"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field} {why}", field=field)


class InvalidPageToken(DomainError):
    """The page token is of another query, or was changed."""

    reason = "INVALID_PAGE_TOKEN"

    def __init__(self, why: str) -> None:
        super().__init__(f"page_token {why}: leave it empty to start again", field="page_token")


class InvalidFilter(DomainError):
    """A search filter or order cannot be understood."""

    reason = "INVALID_FILTER"

    def __init__(self, field: str, position: int, why: str) -> None:
        super().__init__(f"{field}, at position {position}: {why}", field=field, position=position)


class InvalidPath(DomainError):
    """A file path is not a safe relative path, or clashes with another."""

    reason = "INVALID_PATH"

    def __init__(self, field: str, value: str, why: str) -> None:
        super().__init__(f"{field} {value[:200]!r} {why}", field=field, value=value[:200])


class LimitExceeded(DomainError):
    """A count or size is over its documented limit."""

    reason = "LIMIT_EXCEEDED"

    def __init__(self, field: str, limit: int, value: int) -> None:
        super().__init__(f"{field} has {value}, while at most {limit} are allowed", field=field, limit=limit, value=value)


class ProjectNotFound(DomainError):
    """The project does not exist, or the caller has no role in it."""

    reason = "PROJECT_NOT_FOUND"

    def __init__(self, project: str) -> None:
        super().__init__(f"project {project!r} does not exist, or you have no role in it", project=project)


class ModelNotFound(DomainError):
    """The model does not exist."""

    reason = "MODEL_NOT_FOUND"

    def __init__(self, model: str) -> None:
        super().__init__(f"model {model} does not exist: list the models of its project, or create it", model=model)


class VersionNotFound(DomainError):
    """The model has no such version, or the selector matches none."""

    reason = "VERSION_NOT_FOUND"

    def __init__(self, version: str, why: str = "does not exist") -> None:
        super().__init__(f"version {version} {why}: list the versions of its model", version=version)


class AliasNotFound(DomainError):
    """The model has no such alias."""

    reason = "ALIAS_NOT_FOUND"

    def __init__(self, alias: str, model: str, stages: tuple[str, ...] = ()) -> None:
        or_stage = f" and no stage (stages are {', '.join(stages)})" if stages else ""
        super().__init__(f"model {model} has no alias {alias!r}{or_stage}", alias=alias, model=model)


class StageNotFound(DomainError):
    """The project has no such stage."""

    reason = "STAGE_NOT_FOUND"

    def __init__(self, stage: str, stages: tuple[str, ...]) -> None:
        super().__init__(
            f"stage {stage!r} does not exist: the stages of this project are {', '.join(stages)}",
            stage=stage,
            stages=", ".join(stages),
        )


class StageEmpty(DomainError):
    """No version of the model is current in the stage."""

    reason = "STAGE_EMPTY"

    def __init__(self, stage: str, model: str) -> None:
        super().__init__(f"no version of {model} is current in {stage}: promote one first", stage=stage, model=model)


class ManifestNotFound(DomainError):
    """The project holds no manifest with this digest."""

    reason = "MANIFEST_NOT_FOUND"

    def __init__(self, digest: str) -> None:
        super().__init__(f"the project holds no manifest {digest}: commit the upload first", digest=digest)


class FileNotFound(DomainError):
    """The manifest has no file of this path."""

    reason = "FILE_NOT_FOUND"

    def __init__(self, path: str, digest: str) -> None:
        super().__init__(f"manifest {digest} has no file {path[:200]!r}", path=path[:200], digest=digest)


class PromotionNotFound(DomainError):
    """The promotion does not exist."""

    reason = "PROMOTION_NOT_FOUND"

    def __init__(self, promotion: str) -> None:
        super().__init__(f"promotion {promotion} does not exist", promotion=promotion)


class EntryNotFound(DomainError):
    """The ledger has no entry of this revision."""

    reason = "ENTRY_NOT_FOUND"

    def __init__(self, revision: int, head: int) -> None:
        super().__init__(
            f"the ledger has no entry {revision} in this project; its newest is {head}", revision=revision, head=head
        )


class TokenNotFound(DomainError):
    """The token does not exist."""

    reason = "TOKEN_NOT_FOUND"

    def __init__(self, token: str) -> None:
        super().__init__(f"token {token} does not exist", token=token)


class NameTaken(DomainError):
    """The name is taken, perhaps by a tombstone or in another case."""

    reason = "NAME_TAKEN"

    def __init__(self, name: str, existing: str, *, deleted: bool = False) -> None:
        why = f"differs from {existing!r} by case only" if name != existing else "exists already"
        if deleted:
            why = f"belonged to a deleted resource ({existing!r}) and is never issued again"
        super().__init__(f"name {name!r} {why}: choose another", name=name, existing=existing)


class RequestIdReused(DomainError):
    """The request id was used before with another request."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request_id {request_id!r} was used before for another request: take a new one",
            field="request_id",
            request_id=request_id,
        )


class EtagMismatch(DomainError):
    """The resource changed since the caller read it."""

    reason = "ETAG_MISMATCH"

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(
            f"etag is {actual!r}, while {expected!r} was expected: read the resource again and repeat",
            field="etag",
            expected=expected,
            actual=actual,
        )


class CurrentMismatch(DomainError):
    """The pointer is not where the caller expected it."""

    reason = "CURRENT_MISMATCH"

    def __init__(self, pointer: str, *, expected: int, actual: int) -> None:
        def told(number: int) -> str:
            return f"version {number}" if number else "no version"

        super().__init__(
            f"{told(actual)} is current in {pointer}, while {told(expected)} was expected: look at it and decide again",
            pointer=pointer,
            expected=expected,
            actual=actual,
        )


class AlreadyCurrent(DomainError):
    """The version is current in the stage already."""

    reason = "ALREADY_CURRENT"

    def __init__(self, version: str, stage: str) -> None:
        super().__init__(f"{version} is current in {stage} already", version=version, stage=stage)


class NoPreviousVersion(DomainError):
    """There is no earlier current version to roll back to."""

    reason = "NO_PREVIOUS_VERSION"

    def __init__(self, stage: str, model: str, why: str) -> None:
        super().__init__(f"{model} cannot be rolled back in {stage}: {why}", stage=stage, model=model)


class VersionNotReady(DomainError):
    """The version is archived or deleted."""

    reason = "VERSION_NOT_READY"

    def __init__(self, version: str, state: str) -> None:
        super().__init__(f"{version} is {state}, while READY is needed", version=version, state=state)


class InUse(DomainError):
    """The resource is in use and cannot go."""

    reason = "IN_USE"

    def __init__(self, resource: str, user: str) -> None:
        super().__init__(f"{resource} is in use by {user}: release it there first", resource=resource, user=user)


class DigestMismatch(DomainError):
    """Bytes do not have the digest declared for them."""

    reason = "DIGEST_MISMATCH"

    def __init__(self, *, declared: str, actual: str, what: str = "digest") -> None:
        super().__init__(f"{what} is {actual}, while {declared} was declared", declared=declared, actual=actual)


class SizeMismatch(DomainError):
    """A size does not fit what was declared."""

    reason = "SIZE_MISMATCH"

    def __init__(self, what: str, *, declared: int, actual: int) -> None:
        super().__init__(
            f"{what} is {actual} bytes, while {declared} were declared", what=what, declared=declared, actual=actual
        )


class ChunkMissing(DomainError):
    """The upload names a chunk the project does not hold."""

    reason = "CHUNK_MISSING"

    def __init__(self, *, digest: str, path: str) -> None:
        super().__init__(
            f"chunk {digest} of {path[:200]!r} is not stored: plan the upload again and send it",
            digest=digest,
            path=path[:200],
        )


class FrameOutOfOrder(DomainError):
    """Frames of a chunk came out of order, or the stream ended inside a chunk."""

    reason = "FRAME_OUT_OF_ORDER"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"a frame begins at byte {actual} of its chunk, while byte {expected} comes next",
            expected=expected,
            actual=actual,
        )


class BytesDamaged(DomainError):
    """Stored bytes are gone or no longer have their digest."""

    reason = "BYTES_DAMAGED"

    def __init__(self, digest: str, why: str) -> None:
        super().__init__(f"stored bytes {digest} are damaged: {why}; push them again to repair", digest=digest)


class TokenMissing(DomainError):
    """No token was sent."""

    reason = "TOKEN_MISSING"

    def __init__(self) -> None:
        super().__init__("no token was sent: set MUNIMENT_TOKEN, or send 'authorization: Bearer <token>'")


class TokenInvalid(DomainError):
    """The token is unknown, expired or revoked."""

    reason = "TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("the token is not valid here: it is unknown, expired or revoked; ask for a new one")


class PermissionDenied(DomainError):
    """The caller may see the project and lacks the permission."""

    reason = "PERMISSION_DENIED"

    def __init__(self, *, principal: str, permission: str, project: str, roles: tuple[str, ...]) -> None:
        super().__init__(
            f"{principal} lacks permission {permission} in {project}: it comes with role {' or '.join(roles)}",
            principal=principal,
            permission=permission,
            project=project,
        )


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


class ShuttingDown(DomainError):
    """The server is stopping."""

    reason = "SHUTTING_DOWN"

    def __init__(self) -> None:
        super().__init__("the server is stopping: try again, another replica or the next process answers")


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
