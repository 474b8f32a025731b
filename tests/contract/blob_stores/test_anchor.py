"""Every place an anchor may be in: the newest one stays, whoever writes when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest
from minio import Minio
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.keys import SigningKey
from muniment_artifact.blobs.s3 import S3Objects, S3Settings
from muniment_core.domain.errors import StorageUnavailable
from muniment_core.signing.anchor import Anchor, Anchored, FileAnchor, UnusableAnchor
from muniment_core.signing.shared_anchor import SharedAnchor

KEY = SigningKey.from_seed("example.com/log", b"\x01" * 32)


def anchored(size: int, *, recoveries: int = 0, root: bytes = b"\x02" * 32) -> Anchored:
    return Anchored(Checkpoint("example.com/log", size, root).signed_by(KEY), recoveries)


@dataclass(frozen=True)
class Place:
    """A place for an anchor.

    Attributes:
        open: an anchor there, as each process opens one.
        spoil: puts other bytes there in place of the newest anchor.
        count: how many files or objects are there.
    """

    open: Callable[[], Anchor]
    spoil: Callable[[bytes], None]
    count: Callable[[], int]


def in_file(path: Path) -> Place:
    return Place(lambda: FileAnchor(path), path.write_bytes, lambda: len(list(path.parent.iterdir())))


def in_bucket(settings: S3Settings) -> Place:
    objects = S3Objects(settings, "anchor")

    def spoil(content: bytes) -> None:
        objects.put(max(objects.names()), content)

    return Place(
        lambda: SharedAnchor(S3Objects(settings, "anchor")),
        spoil,
        lambda: len(objects.names()),
    )


@pytest.fixture(params=["file", "rclone", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of place in turn, empty."""
    if request.param == "file":
        (tmp_path / "kept").mkdir()
        return in_file(tmp_path / "kept" / "anchor")
    name = "s3_settings" if request.param == "rclone" else "moto_settings"
    return in_bucket(request.getfixturevalue(name))


def test_what_is_written_is_read_by_whoever_looks_there(place: Place) -> None:
    anchor = place.open()
    assert anchor.read() is None
    for size in (1, 9, 10, 100, 2**40):
        assert anchor.write(anchored(size))
        assert place.open().read() == anchor.read() == anchored(size)
    assert place.count() == 1


def test_an_older_one_never_takes_the_place_of_a_newer(place: Place) -> None:
    newer, older = place.open(), place.open()
    assert older.write(anchored(8))
    assert newer.write(anchored(12))
    assert not older.write(anchored(11))
    assert older.read() == anchored(12)
    assert older.write(anchored(12))
    assert older.write(anchored(13))
    assert newer.read() == anchored(13)


def test_what_follows_a_recovery_is_newer_however_short_it_is(place: Place) -> None:
    anchor = place.open()
    assert anchor.write(anchored(100))
    assert anchor.write(anchored(7, recoveries=1, root=b"\x03" * 32))
    assert not anchor.write(anchored(101))
    assert anchor.read() == anchored(7, recoveries=1, root=b"\x03" * 32)


def test_another_history_of_the_same_length_is_refused(place: Place) -> None:
    anchor = place.open()
    anchor.write(anchored(5))
    with pytest.raises(UnusableAnchor, match=r"has root 0202.* for 5 entries, while the ledger has 0404"):
        anchor.write(anchored(5, root=b"\x04" * 32))
    assert anchor.read() == anchored(5)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"recoveries 0\n", b"recoveries 0\nnonsense", b"recoveries x\nlog\n1\n"]
)
def test_what_is_no_anchor_is_told_and_can_be_cleared(place: Place, content: bytes) -> None:
    anchor = place.open()
    anchor.write(anchored(5))
    place.spoil(content)
    with pytest.raises(UnusableAnchor, match="the anchor"):
        anchor.read()
    anchor.clearing()()
    assert anchor.read() is None
    assert place.count() == 0
    anchor.clearing()()


def test_what_others_wrote_since_clearing_was_decided_stays_in_a_shared_place(
    s3_settings: S3Settings,
) -> None:
    place = in_bucket(s3_settings)
    anchor = place.open()
    anchor.write(anchored(5))
    clear = anchor.clearing()
    place.open().write(anchored(3, recoveries=1))
    clear()
    assert anchor.read() == anchored(3, recoveries=1)


def test_who_comes_late_in_a_shared_place_changes_nothing(s3_settings: S3Settings) -> None:
    objects = S3Objects(s3_settings, "anchor")

    class Late(S3Objects):
        """Between looking and writing, somebody else writes what is newer."""

        def names(self) -> list[str]:
            found = super().names()
            assert SharedAnchor(objects).write(anchored(12))
            return found

    SharedAnchor(objects).write(anchored(10))
    assert SharedAnchor(Late(s3_settings, "anchor")).write(anchored(11))
    assert SharedAnchor(objects).read() == anchored(12)
    assert SharedAnchor(objects).write(anchored(13))
    assert len(objects.names()) == 1


def test_older_ones_that_cannot_be_removed_keep_nobody_from_writing(s3_settings: S3Settings) -> None:
    class Kept(S3Objects):
        def remove(self, name: str) -> None:
            raise StorageUnavailable(name)

    locked = SharedAnchor(Kept(s3_settings, "anchor"))
    for size in (1, 2, 3):
        assert locked.write(anchored(size))
    assert locked.read() == anchored(3)
    anchor = SharedAnchor(S3Objects(s3_settings, "anchor"))
    assert anchor.write(anchored(4))
    assert len(S3Objects(s3_settings, "anchor").names()) == 1


def test_an_anchor_that_is_replaced_while_it_is_read_is_looked_for_again(s3_settings: S3Settings) -> None:
    objects = S3Objects(s3_settings, "anchor")
    SharedAnchor(objects).write(anchored(10))
    sizes = iter([11, 12])

    class Overtaken(S3Objects):
        """Between listing and reading, what was listed is replaced, twice."""

        def get(self, name: str) -> bytes | None:
            for size in sizes:
                SharedAnchor(objects).write(anchored(size))
                break
            return super().get(name)

    assert SharedAnchor(Overtaken(s3_settings, "anchor")).read() == anchored(12)

    class Vanishing(S3Objects):
        """Nothing that is listed can be read."""

        def get(self, name: str) -> bytes | None:
            return None

    with pytest.raises(StorageUnavailable, match="the anchor store"):
        SharedAnchor(Vanishing(s3_settings, "anchor")).read()


def test_two_histories_in_a_shared_place_are_told(s3_settings: S3Settings) -> None:
    objects = S3Objects(s3_settings, "anchor")
    for root in (b"\x05" * 32, b"\x06" * 32):
        objects.put(f"0000000000-{7:020}-{root.hex()}", anchored(7, root=root).to_bytes())
    with pytest.raises(UnusableAnchor, match="two databases went on as one ledger"):
        SharedAnchor(objects).read()
    with pytest.raises(UnusableAnchor, match="two databases"):
        SharedAnchor(objects).write(anchored(8))


def test_a_name_that_says_something_else_than_what_it_names_is_told(s3_settings: S3Settings) -> None:
    objects = S3Objects(s3_settings, "anchor")
    objects.put(f"0000000000-{7:020}-{'02' * 32}", anchored(6).to_bytes())
    with pytest.raises(UnusableAnchor, match="something else than its name says"):
        SharedAnchor(objects).read()


def test_other_objects_of_the_bucket_are_left_alone(s3_settings: S3Settings) -> None:
    client = Minio(
        s3_settings.endpoint,
        access_key=s3_settings.access_key,
        secret_key=s3_settings.secret_key,
        region=s3_settings.region,
        secure=False,
    )
    for key in ("muniment/anchorage", "muniment/anchor/README", "anchor/0"):
        client.put_object(s3_settings.bucket, key, BytesIO(b"x"), 1)
    anchor = SharedAnchor(S3Objects(s3_settings, "anchor"))
    assert anchor.read() is None
    anchor.write(anchored(5))
    anchor.clearing()()
    left = {found.object_name for found in client.list_objects(s3_settings.bucket, recursive=True)}
    assert left == {"muniment/anchorage", "muniment/anchor/README", "anchor/0"}


def test_a_store_that_does_not_answer_is_told(s3_settings: S3Settings) -> None:
    nowhere = replace(s3_settings, endpoint="127.0.0.1:9", deadline=1.0)
    anchor = SharedAnchor(S3Objects(nowhere, "anchor"))
    for attempt in (anchor.read, anchor.clearing, lambda: anchor.write(anchored(1))):
        with pytest.raises(StorageUnavailable, match="the anchor store does not answer"):
            attempt()
    objects = S3Objects(nowhere, "anchor")
    for attempt in (lambda: objects.get("x"), lambda: objects.put("x", b"x"), lambda: objects.remove("x")):
        with pytest.raises(StorageUnavailable):
            attempt()
