"""An S3 endpoint that fails now and then is not noticed; one that does not stop failing is unavailable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace

import pytest
from harness.faulty_s3 import Fault, FaultyS3, script
from muniment.digests import Digest
from muniment_artifact.blobs.s3 import S3BlobStore, S3Settings
from muniment_artifact.blobs.whole import get_blob, put_blob
from muniment_core.domain.errors import BytesDamaged, StorageUnavailable

DATA = bytes(range(256)) * 8 * 1024
KEPT = b"what every call finds"
BRIEF = [Fault.BUSY, Fault.RESET, Fault.SHORT, Fault.LOST, Fault.DELAY]


def _write(store: S3BlobStore) -> None:
    put_blob(store, DATA)


def _read(store: S3BlobStore) -> None:
    assert get_blob(store, Digest.of(KEPT), len(KEPT)) == KEPT


def _stat(store: S3BlobStore) -> None:
    found = store.stat(Digest.of(KEPT))
    assert found is not None
    assert found.size == len(KEPT)


def _delete(store: S3BlobStore) -> None:
    store.delete(Digest.of(b"absent"))


def _list(store: S3BlobStore) -> None:
    assert [found.digest for found in store.list()] == [Digest.of(KEPT)]


def _probe(store: S3BlobStore) -> None:
    store.probe()


CALLS: dict[str, Callable[[S3BlobStore], None]] = {
    "write": _write,
    "read": _read,
    "stat": _stat,
    "delete": _delete,
    "list": _list,
    "probe": _probe,
}


@pytest.fixture
def faulty(s3_server, s3_settings: S3Settings) -> Iterator[FaultyS3]:
    """The proxy, before a bucket that holds one blob."""
    put_blob(S3BlobStore(s3_settings), KEPT)
    with FaultyS3(s3_server.endpoint) as proxy:
        yield proxy


class Brisk(S3Settings):
    """Asks a server that hangs again after half a second, for as long as others do."""

    __slots__ = ()

    @property
    def read_timeout(self) -> float:
        return 0.5


def _store(settings: S3Settings, faulty: FaultyS3, *, deadline: float) -> S3BlobStore:
    return S3BlobStore(replace(settings, endpoint=faulty.endpoint, deadline=deadline))


@pytest.mark.parametrize("call", CALLS)
def test_every_call_outlives_a_few_faults(s3_settings: S3Settings, faulty: FaultyS3, call: str) -> None:
    faulty.choose = script(BRIEF)
    CALLS[call](_store(s3_settings, faulty, deadline=60.0))
    # An answer without a body cannot break off in its middle.
    assert faulty.faults >= 3


@pytest.mark.parametrize(("call", "fault"), [("write", Fault.HANG), ("read", Fault.STUCK)])
def test_a_server_that_hangs_is_asked_again(
    s3_settings: S3Settings, faulty: FaultyS3, call: str, fault: Fault
) -> None:
    faulty.choose = script([fault])
    CALLS[call](_store(Brisk(**asdict(s3_settings)), faulty, deadline=60.0))
    assert faulty.requests >= 2


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.RESET])
def test_a_server_that_goes_on_failing_is_unavailable(
    s3_settings: S3Settings, faulty: FaultyS3, call: str, fault: Fault
) -> None:
    faulty.choose = lambda _method, _path: fault
    with pytest.raises(StorageUnavailable) as refused:
        CALLS[call](_store(s3_settings, faulty, deadline=0.8))
    assert refused.value.__cause__ is not None
    assert list(s3_settings.spool_directory.iterdir()) == []


def test_a_server_that_hangs_for_good_is_unavailable(s3_settings: S3Settings, faulty: FaultyS3) -> None:
    faulty.choose = lambda _method, _path: Fault.HANG
    with pytest.raises(StorageUnavailable):
        CALLS["read"](_store(s3_settings, faulty, deadline=1.0))
    # Its threads may come to what was asked of them later than it was given up.
    assert faulty.requests <= 2


def test_what_is_absent_or_refused_is_not_asked_for_again(s3_settings: S3Settings, faulty: FaultyS3) -> None:
    store = _store(s3_settings, faulty, deadline=60.0)
    with pytest.raises(BytesDamaged), closing(store.read(Digest.of(b"absent"))) as pieces:
        next(pieces)
    assert store.stat(Digest.of(b"absent")) is None
    assert faulty.requests == 2
    with pytest.raises(StorageUnavailable):
        list(S3BlobStore(replace(s3_settings, endpoint=faulty.endpoint, secret_key="wrong-secret")).list())
    assert faulty.requests == 3


def test_a_read_that_is_broken_off_goes_on_where_it_was(s3_settings: S3Settings, faulty: FaultyS3) -> None:
    digest = put_blob(S3BlobStore(s3_settings), DATA)
    faulty.choose = script([Fault.SHORT, Fault.SHORT, Fault.BUSY, Fault.SHORT])
    assert get_blob(_store(s3_settings, faulty, deadline=60.0), digest, len(DATA)) == DATA


def test_a_listing_that_is_broken_off_tells_nothing_twice(s3_settings: S3Settings, faulty: FaultyS3) -> None:
    store = S3BlobStore(s3_settings)
    digests = sorted([Digest.of(KEPT), *(put_blob(store, b"blob %d" % number) for number in range(5))])
    faulty.choose = script([Fault.SHORT, Fault.BUSY])
    assert [found.digest for found in _store(s3_settings, faulty, deadline=60.0).list()] == digests


def test_the_probe_tells_what_each_server_honours(s3_settings: S3Settings, moto_settings: S3Settings) -> None:
    first, second = (S3BlobStore(settings).try_out() for settings in (s3_settings, moto_settings))
    assert first.presigned_get
    assert first.presigned_put
    assert first.copy
    assert not first.conditional_put
    assert second == replace(first, conditional_put=True)
    assert second.text == "copy: yes, presigned get: yes, presigned put: yes, conditional put: yes"
