"""What only the store on S3 does: living with a network in between."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from harness.faulty_s3 import FaultyS3
from harness.s3 import S3Server
from muniment.digests import Digest
from muniment.file_paths import MAX_PATH_BYTES
from muniment_artifact.blobs.s3 import S3BlobStore, S3Settings
from muniment_artifact.blobs.s3.store import PART_BYTES
from muniment_artifact.blobs.whole import get_blob, put_blob
from muniment_artifact.limits import MIB, Limits
from muniment_artifact.manifest import EMPTY_DIGEST, FileEntry, build_manifest
from muniment_core.db.artifact_store import Chunk
from muniment_core.domain.errors import StorageUnavailable

DATA = bytes(range(256)) * 8 * 1024


class BreakingProxy:
    """Passes connections on and breaks the answers of the next ones where it is told to."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.break_after: list[int] = []
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            allowed = self.break_after.pop(0) if self.break_after else None
            thread = threading.Thread(target=self._serve, args=(client, allowed))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, allowed: int | None) -> None:
        with client, socket.create_connection(self._target) as server:
            upward = threading.Thread(target=_copy, args=(client, server, None))
            upward.start()
            _copy(server, client, allowed)
            for end in (client, server):
                _shut(end)
            upward.join(timeout=10)


def _copy(source: socket.socket, sink: socket.socket, allowed: int | None) -> None:
    try:
        while data := source.recv(65_536 if allowed is None else min(65_536, allowed)):
            sink.sendall(data)
            if allowed is not None:
                allowed -= len(data)
                if allowed == 0:
                    return
    except OSError:
        return
    finally:
        _shut(sink)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@pytest.fixture
def silent_port() -> Iterator[str]:
    """Where nobody answers, and nobody begins to while the test runs: the port is taken, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[BreakingProxy]:
    with ExitStack() as stack:
        breaking = BreakingProxy(s3_server.endpoint)
        stack.callback(breaking.close)
        yield breaking


CALLS: dict[str, Callable[[S3BlobStore], object]] = {
    "probe": lambda store: store.probe(),
    "write": lambda store: put_blob(store, b"x"),
    "read": lambda store: get_blob(store, Digest.of(b"x"), 1),
    "stat": lambda store: store.stat(Digest.of(b"x")),
    "delete": lambda store: store.delete(Digest.of(b"x")),
    "list": lambda store: list(store.list()),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_server_out_of_reach_is_unavailable_whatever_is_asked(
    s3_settings: S3Settings, silent_port: str, call: str
) -> None:
    store = S3BlobStore(replace(s3_settings, endpoint=silent_port, deadline=0.5))
    with pytest.raises(StorageUnavailable) as refused:
        CALLS[call](store)
    assert refused.value.__cause__ is not None
    assert list(s3_settings.spool_directory.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [{"bucket": "no-such-bucket"}, {"secret_key": "wrong-secret-key"}, {"access_key": "nobody-here"}],
)
def test_a_wrong_bucket_or_key_is_found_by_the_probe(s3_settings: S3Settings, change: dict[str, str]) -> None:
    with pytest.raises(StorageUnavailable):
        S3BlobStore(replace(s3_settings, **change)).probe()


def test_an_answer_that_breaks_off_is_taken_up_where_it_broke(
    s3_settings: S3Settings, proxy: BreakingProxy
) -> None:
    digest = put_blob(S3BlobStore(s3_settings), DATA)
    proxy.break_after = [300_000, 1_000_000, 50_000]
    found = get_blob(S3BlobStore(replace(s3_settings, endpoint=proxy.endpoint)), digest, len(DATA))
    assert found == DATA
    assert proxy.connections >= 4


def test_an_answer_that_breaks_off_again_and_again_is_unavailable(
    s3_settings: S3Settings, proxy: BreakingProxy
) -> None:
    digest = put_blob(S3BlobStore(s3_settings), DATA)
    # Just the beginning of the headers, every time.
    proxy.break_after = [20] * 100
    store = S3BlobStore(replace(s3_settings, endpoint=proxy.endpoint, deadline=2.0))
    with pytest.raises(StorageUnavailable):
        get_blob(store, digest, len(DATA))


def test_a_write_whose_answer_is_lost_is_repeated(s3_settings: S3Settings, proxy: BreakingProxy) -> None:
    proxy.break_after = [20]
    digest = put_blob(S3BlobStore(replace(s3_settings, endpoint=proxy.endpoint)), DATA)
    assert get_blob(S3BlobStore(s3_settings), digest, len(DATA)) == DATA


def test_a_server_that_dies_between_two_frames_is_unavailable(
    s3_factory: Callable[[], S3Server], s3_settings: S3Settings, tmp_path: Path
) -> None:
    server = s3_factory()
    settings = replace(s3_settings, endpoint=server.endpoint, bucket=server.new_bucket())
    data = DATA * 16
    digest = put_blob(S3BlobStore(settings), data)
    # As patient with a server that is there as others are, and with one that is gone for no longer than needed.
    pieces = S3BlobStore(replace(settings, deadline=5.0)).read(digest)
    assert next(pieces) == data[:MIB]
    server.process.kill9()
    with pytest.raises(StorageUnavailable):
        list(pieces)


def test_the_largest_blob_there_can_be_is_sent_by_one_request_which_leaves_no_parts_behind(
    moto_settings: S3Settings,
) -> None:
    limits = Limits()
    longest = FileEntry("é" * (MAX_PATH_BYTES // 2), EMPTY_DIGEST, 2**53 - 1, (), "x" * 64)
    chunked = replace(longest, chunks=(Chunk(EMPTY_DIGEST, limits.max_chunk_bytes),))
    of_file, of_both = (len(build_manifest([file]).chunk_map) for file in (longest, chunked))
    largest = limits.max_files * of_file + limits.max_commit_chunks * (of_both - of_file + len(","))
    assert limits.max_chunk_bytes < largest <= PART_BYTES
    asked = []
    with FaultyS3(moto_settings.endpoint) as watched:
        watched.choose = lambda method, path: asked.append((method, path))
        store = S3BlobStore(replace(moto_settings, endpoint=watched.endpoint))
        digest = put_blob(store, bytes(largest))
        assert [method for method, _ in asked] == ["PUT"]
    assert [found.size for found in S3BlobStore(moto_settings).list(digest.hex)] == [largest]


def test_keys_of_two_prefixes_do_not_meet(s3_settings: S3Settings) -> None:
    put_blob(S3BlobStore(s3_settings), b"x")
    assert list(S3BlobStore(replace(s3_settings, prefix="other")).list()) == []
    assert S3BlobStore(replace(s3_settings, prefix="")).stat(Digest.of(b"x")) is None
