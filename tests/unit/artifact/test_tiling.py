"""What can be told of files without reading them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from muniment.digests import Digest
from muniment_artifact.limits import Limits
from muniment_artifact.manifest import FileEntry
from muniment_artifact.tiling import check_files
from muniment_core.db.artifact_store import Chunk
from muniment_core.domain.errors import DigestMismatch, InvalidField, InvalidPath, LimitExceeded, SizeMismatch

LIMITS = Limits(max_chunk_bytes=100, max_files=2)
ONE = FileEntry("one", Digest.of(b"abc"), 3, (Chunk(Digest.of(b"abc"), 3),))
TWO = FileEntry("two", Digest.of(b"abcde"), 5, (Chunk(Digest.of(b"abc"), 3), Chunk(Digest.of(b"de"), 2)))
EMPTY = FileEntry("empty", Digest.of(b""), 0, ())


def test_files_that_are_tiled_by_their_chunks_are_taken() -> None:
    check_files([ONE, TWO], LIMITS)
    check_files([EMPTY], LIMITS)


@pytest.mark.parametrize(
    ("files", "error", "said"),
    [
        ([], InvalidField, "files is empty"),
        ([ONE, TWO, EMPTY], LimitExceeded, "files has 3"),
        ([replace(ONE, size=-1)], InvalidField, "files[0].size is -1"),
        ([replace(ONE, size=4)], SizeMismatch, "is 3 bytes, while 4 were declared"),
        ([replace(TWO, size=4)], SizeMismatch, "is 5 bytes, while 4 were declared"),
        ([replace(EMPTY, size=1)], SizeMismatch, "is 0 bytes, while 1 were declared"),
        (
            [replace(ONE, chunks=(Chunk(ONE.digest, 0),), size=0)],
            InvalidField,
            "files[0].chunks[0].size is 0",
        ),
        (
            [replace(ONE, chunks=(Chunk(ONE.digest, 101),), size=101)],
            LimitExceeded,
            "files[0].chunks[0].size",
        ),
        ([replace(ONE, digest=Digest.of(b"x"))], DigestMismatch, "digest of 'one'"),
        ([replace(EMPTY, digest=Digest.of(b"x"))], DigestMismatch, "digest of 'empty'"),
        (
            [ONE, replace(TWO, size=6, chunks=(Chunk(ONE.digest, 4), TWO.chunks[1]))],
            SizeMismatch,
            "chunk sha256",
        ),
        ([replace(ONE, path="../one")], InvalidPath, "files[0].path"),
        ([ONE, replace(TWO, path="ONE")], InvalidPath, "files[1].path"),
    ],
)
def test_files_that_cannot_be_what_they_claim_are_refused(files, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as refused:
        check_files(files, LIMITS)
    assert said in str(refused.value)


def test_a_hundred_thousand_files_are_refused_by_their_number() -> None:
    with pytest.raises(LimitExceeded) as refused:
        check_files([ONE] * 100_000, Limits())
    assert refused.value.facts == {"field": "files", "limit": "10000", "value": "100000"}


def test_as_many_files_as_are_allowed_are_taken() -> None:
    check_files([replace(EMPTY, path=f"deep/{number}/empty") for number in range(10_000)], Limits())


def test_sizes_near_the_end_of_the_integers_are_refused_and_not_added_up_wrong() -> None:
    huge = replace(TWO, size=0, chunks=(Chunk(Digest.of(b"a"), 2**62), Chunk(Digest.of(b"b"), 2**62)))
    with pytest.raises(LimitExceeded):
        check_files([huge], LIMITS)
