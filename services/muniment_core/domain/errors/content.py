"""What is wrong with bytes."""

from __future__ import annotations

from muniment_core.domain.errors.base import DomainError
from muniment_core.domain.tiers import Tier


class DigestMismatch(DomainError):
    """Bytes do not have the digest declared for them."""

    reason = "DIGEST_MISMATCH"

    def __init__(self, *, declared: str, actual: str, what: str = "digest") -> None:
        super().__init__(
            f"{what} is {actual}, while {declared} was declared", declared=declared, actual=actual
        )


class SizeMismatch(DomainError):
    """A size does not fit what was declared."""

    reason = "SIZE_MISMATCH"

    def __init__(self, what: str, *, declared: int, actual: int) -> None:
        super().__init__(
            f"{what} is {actual} bytes, while {declared} were declared",
            what=what,
            declared=declared,
            actual=actual,
        )


class ChunkMissing(DomainError):
    """The upload names a chunk the project does not hold."""

    reason = "CHUNK_MISSING"

    def __init__(self, *, digest: str, path: str) -> None:
        super().__init__(
            f"chunk {digest} of {path[:200]!r} is not stored",
            digest=digest,
            path=path[:200],
        )


class FrameOutOfOrder(DomainError):
    """Frames of a chunk came out of order, or the stream ended inside a chunk."""

    reason = "FRAME_OUT_OF_ORDER"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"byte {expected} of the chunk comes next, while the stream went on at byte {actual} or ended",
            expected=expected,
            actual=actual,
        )


class SignatureInvalid(DomainError):
    """A signature bundle cannot be used, or was not made by the given key."""

    reason = "SIGNATURE_INVALID"

    def __init__(self, why: str) -> None:
        super().__init__(f"the signature is not valid: {why}", field="signature_bundle")


class SignatureMismatch(DomainError):
    """A signature is of other files."""

    reason = "SIGNATURE_MISMATCH"

    def __init__(self, *, signed: str, actual: str, why: str) -> None:
        super().__init__(
            f"the signature is of files with root digest {signed}, while the version's have {actual}: {why}",
            signed=signed,
            actual=actual,
        )


class BytesDamaged(DomainError):
    """Stored bytes are gone or no longer have their digest."""

    reason = "BYTES_DAMAGED"

    def __init__(self, digest: str, why: str) -> None:
        super().__init__(
            f"stored bytes {digest} are damaged: {why}; push them again to repair", digest=digest
        )


class BytesArchived(DomainError):
    """Bytes are not at hand."""

    reason = "BYTES_ARCHIVED"

    def __init__(self, digest: str, tier: Tier) -> None:
        what = (
            "were given up: push the same files again, then restore the version"
            if tier is Tier.GONE
            else "are in the cold tier: restore a version of them first"
        )
        super().__init__(f"the bytes of {digest} {what}", digest=digest, tier=tier)


class HeaderInvalid(DomainError):
    """A file whose tensors are asked for has no header that can be believed."""

    reason = "HEADER_INVALID"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path[:200]!r} has no header of safetensors: {why}", path=path[:200])
