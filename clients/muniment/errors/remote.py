"""What a registry answers when it refuses: a family per status, a class per ``ErrorReason``.

The server's sentence says what to do where that is the same for every caller; a class whose ``advice`` is empty
relies on it. A few classes belong to a family without being a reason: what the SDK finds out by itself about an
address, a connection or a download.
"""

from __future__ import annotations

from muniment.errors.base import MunimentError


class InvalidArgument(MunimentError):
    """The call cannot be right as it is, whatever the state of the registry."""

    advice = "Correct the argument and try again."


class InvalidName(InvalidArgument):
    """A name breaks the naming rule."""

    advice = ""


class InvalidSelector(InvalidArgument):
    """A selector cannot be read."""

    advice = ""


class InvalidField(InvalidArgument):
    """A field is missing, out of range or contradicts another one."""


class InvalidPageToken(InvalidArgument):
    """A page token is of another query."""

    advice = ""


class InvalidFilter(InvalidArgument):
    """A search filter cannot be read."""


class InvalidPath(InvalidArgument):
    """The path of a file is not safe, or clashes with another."""

    advice = "Rename the file and push again."


class LimitExceeded(InvalidArgument):
    """A count or size is over its limit."""

    advice = "Send less, or ask the operator of the registry for the limit."


class DigestMismatch(InvalidArgument):
    """Bytes do not have the digest declared for them."""

    advice = "Push again; if it happens again, check the memory and disk of this machine."


class SizeMismatch(InvalidArgument):
    """A size or offset does not fit what was declared."""

    advice = "Push again."


class FrameOutOfOrder(InvalidArgument):
    """Frames of a chunk came out of order."""

    advice = "Push again."


class SignatureInvalid(InvalidArgument):
    """A signature cannot be used, or was not made by the key."""

    advice = "Sign the files with 'model_signing sign key', and give the public key of that key."


class SignatureMismatch(InvalidArgument):
    """A signature is of other files."""

    advice = "Sign the very files of the version, each of them and none beside them, and push again."


class InvalidTarget(InvalidArgument):
    """The address of the registry cannot be read."""

    advice = "Write HOST:PORT, or file:DIRECTORY for an embedded registry."


class NotFound(MunimentError):
    """Something named does not exist, or may not be seen."""


class ProjectNotFound(NotFound):
    """No such project for this caller."""

    advice = "'muniment project list' shows the projects this token can see."


class ModelNotFound(NotFound):
    """No such model."""

    advice = "'muniment models' lists the models of the project."


class VersionNotFound(NotFound):
    """No such version."""

    advice = "'muniment versions MODEL' lists the versions."


class AliasNotFound(NotFound):
    """No such alias."""

    advice = "'muniment alias MODEL' lists the aliases."


class SignatureNotFound(NotFound):
    """The version is not signed."""

    advice = "'muniment push --signature' stores a signature with a version."


class StageNotFound(NotFound):
    """No such stage."""

    advice = "'muniment stages MODEL' lists the stages."


class StageEmpty(NotFound):
    """No version is current in the stage."""


class ManifestNotFound(NotFound):
    """The project holds no such manifest."""


class FileNotFound(NotFound):
    """The version has no such file."""


class TensorNotFound(NotFound):
    """The file has no such tensor."""

    advice = "'muniment tensors SELECTOR' lists the tensors of a version."


class PromotionNotFound(NotFound):
    """No such promotion."""


class EntryNotFound(NotFound):
    """The ledger has no such revision."""


class TokenNotFound(NotFound):
    """No such token."""

    advice = "'muniment token list' lists the tokens."


class PredictionNotFound(NotFound):
    """No sealed prediction has this id."""

    advice = "Check the id; what was recorded just now is known after about a second."


class AlreadyExists(MunimentError):
    """What was to be created is there."""


class NameTaken(AlreadyExists):
    """The name is used, was used, or differs from a used one by case alone."""


class RequestIdReused(AlreadyExists):
    """The request id was used for another request."""


class Conflict(MunimentError):
    """Somebody else was faster."""

    advice = "Look at the present state and decide again."


class EtagMismatch(Conflict):
    """The resource changed since it was read."""

    advice = ""


class CurrentMismatch(Conflict):
    """The pointer is not where the caller expected it."""

    advice = ""


class SequenceBroken(Conflict):
    """The registry misses messages that a sender of predictions sent before."""

    advice = ""


class FailedPrecondition(MunimentError):
    """The state of the registry does not allow it."""


class AlreadyCurrent(FailedPrecondition):
    """The version is current in the stage already."""

    advice = "There is nothing to do."


class NoPreviousVersion(FailedPrecondition):
    """There is nothing to roll back to."""

    advice = "Promote another version instead."


class VersionNotReady(FailedPrecondition):
    """The version is archived or deleted."""

    advice = (
        "Use a version that is READY: 'muniment versions MODEL' shows the states, and 'muniment restore' brings "
        "an archived one back."
    )


class VersionNotArchived(FailedPrecondition):
    """The version is not archived, so there is nothing to restore."""


class BytesArchived(FailedPrecondition):
    """The bytes are in the cold tier, or were given up."""

    advice = "'muniment restore SELECTOR' brings an archived version back."


class InUse(FailedPrecondition):
    """The resource is in use and cannot go."""


class ChunkMissing(FailedPrecondition):
    """The upload names bytes the project does not hold."""

    advice = "Push again; what has arrived is not sent twice."


class HeaderInvalid(FailedPrecondition):
    """A file has no header that tells of its tensors, or one that lies."""


class LedgerRecovery(FailedPrecondition):
    """The ledger is not what was signed, so nothing is changed until its operator has decided."""

    advice = ""


class PredictionExpired(FailedPrecondition):
    """Retention dropped what was recorded of the prediction."""

    advice = "A receipt made before still verifies."


class Unauthenticated(MunimentError):
    """The registry does not know who calls."""

    advice = "Set MUNIMENT_TOKEN or give --token."


class TokenMissing(Unauthenticated):
    """No token was sent."""


class TokenInvalid(Unauthenticated):
    """The token is unknown, expired or revoked."""

    advice = "Check MUNIMENT_TOKEN or --token, or ask an admin for a new token."


class PermissionDenied(MunimentError):
    """The caller lacks the permission."""

    advice = "Ask an admin of the project for the role; 'muniment whoami' shows yours."


class StorageFull(MunimentError):
    """A store of the registry has no room."""

    advice = "What has arrived is not sent twice."


class Damaged(MunimentError):
    """Bytes are not what their digest says."""


class BytesDamaged(Damaged):
    """Stored bytes are gone or no longer have their digest."""

    advice = "Tell the operator of the registry."


class LedgerDamaged(Damaged):
    """The stored tree of the ledger does not lead to the root that was signed."""

    advice = "Tell the operator of the registry: 'muniment-server fsck' there says what is wrong."


class DownloadRefused(Damaged):
    """What the registry sent is not what the version's digest stands for; nothing of it was kept."""

    advice = "Try again; if it happens again, tell the operator of the registry."


class Unavailable(MunimentError):
    """The registry, or something it needs, does not answer now."""

    advice = "Try again in a moment."


class Unreachable(Unavailable):
    """No registry answers at the address."""

    advice = "Check the address (MUNIMENT_TARGET or --target) and that the server runs."


class StorageUnavailable(Unavailable):
    """The store for bytes does not answer."""

    advice = ""


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    advice = ""


class PeerUnavailable(Unavailable):
    """A service another one needs does not answer."""

    advice = ""


class CheckpointPending(Unavailable):
    """No signed checkpoint is long enough yet."""

    advice = ""


class TransfersBusy(Unavailable):
    """The server carries as many streams of bytes as it can."""

    advice = ""


class ShuttingDown(Unavailable):
    """The server is stopping."""

    advice = ""


class DeadlineExceeded(MunimentError):
    """No answer came in time; a change may have been made."""

    advice = "Try again, perhaps with a longer timeout (--timeout SECONDS)."


class QueryTooLong(DeadlineExceeded):
    """The registry gave up a question that takes its database too long."""

    advice = "Ask for less: by a narrower filter, or for a shorter time."


class Internal(MunimentError):
    """The server failed, or answered what it should not."""

    advice = "Tell the operator of the registry."
