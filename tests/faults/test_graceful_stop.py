"""SIGTERM under load: what was begun is finished or told to be repeated, health first, status 0."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from harness.api import Api, refusal
from harness.server import ServerFactory, ServerProcess
from muniment.v1 import artifact_service_pb2, metadata_service_pb2, promotion_service_pb2

CALLERS = 12

Frames = SimpleQueue[artifact_service_pb2.PutChunksRequest | None]


@pytest.fixture
def begun_upload() -> Callable[[Api], tuple[Frames, Iterator[artifact_service_pb2.PutChunksResponse]]]:
    """Begins a PutChunks call: the first chunk is acknowledged, of the second one only half is sent."""

    def begin(api: Api) -> tuple[Frames, Iterator[artifact_service_pb2.PutChunksResponse]]:
        frames: Frames = SimpleQueue()
        answers = api.artifact.PutChunks(iter(frames.get, None))
        first, second = os.urandom(1000), os.urandom(1000)
        frames.put(_frame(first, 0, 1000, api.parent()))
        assert next(answers).digest == _digest(first)
        frames.put(_frame(second, 0, 500))
        rest = _frame(second, 500, 1000)

        def finish() -> Iterator[artifact_service_pb2.PutChunksResponse]:
            frames.put(rest)
            frames.put(None)
            yield from answers

        return frames, finish()

    return begin


def test_a_stopping_server_says_so_first_refuses_the_new_and_finishes_the_begun(
    any_server: ServerProcess,
    connect: Callable[[ServerProcess], Api],
    begun_upload: Callable[[Api], tuple[Frames, Iterator[artifact_service_pb2.PutChunksResponse]]],
    health_of: Callable[[str], str],
    until: Callable[..., None],
) -> None:
    server = any_server
    api = connect(server)
    _, upload = begun_upload(api)
    watch = api.promotion.Watch(promotion_service_pb2.WatchRequest(parent=api.parent()))
    next(watch)
    assert health_of(server.address) == "SERVING"

    server.process.signal(signal.SIGTERM)
    until(lambda: health_of(server.address) == "NOT_SERVING", "health tells of the stop")
    with pytest.raises(grpc.RpcError) as ended:
        for _ in watch:
            pass
    assert refusal(ended.value)[:2] == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    with pytest.raises(grpc.RpcError) as new:
        api.new_model("too-late")
    assert refusal(new.value)[:2] == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert server.process.running, "it waits for the upload that was begun"

    assert len(list(upload)) == 1, "the second chunk became durable"
    assert server.process.wait() == 0, server.stderr
    assert not (server.data / "server.json").exists()


@pytest.mark.soak
def test_every_call_in_flight_at_a_stop_is_done_or_says_that_it_is_to_be_repeated(
    any_server: ServerProcess,
    connect: Callable[[ServerProcess], Api],
    begun_upload: Callable[[Api], tuple[Frames, Iterator[artifact_service_pb2.PutChunksResponse]]],
    check_ledger: Callable[[Api], list[Any]],
    until: Callable[..., None],
    soak: bool,
) -> None:
    server = any_server
    for _ in range(50 if soak else 1):
        _stop_under_load(server, connect, begun_upload, check_ledger, until)


def _stop_under_load(
    server: ServerProcess,
    connect: Callable[[ServerProcess], Api],
    begun_upload: Callable[[Api], tuple[Frames, Iterator[artifact_service_pb2.PutChunksResponse]]],
    check_ledger: Callable[[Api], list[Any]],
    until: Callable[..., None],
) -> None:
    begun = uuid.uuid4().hex[:8]
    done: list[str] = []
    ends: list[grpc.RpcError] = []
    errors: list[BaseException] = []

    def call_on(number: int, api: Api) -> None:
        """Creates, pushes and promotes until refused."""
        count = 0
        try:
            while True:
                count += 1
                name = f"m-{begun}-{number}-{count}"
                api.new_model(name)
                done.append(name)
                if number % 3 == 0:
                    version = api.new_version(name)
                    done.append(version.name)
                    request = promotion_service_pb2.RequestPromotionRequest(
                        version=version.name, stage="staging", request_id=f"{name}-promotion"
                    )
                    done.append(api.promotion.RequestPromotion(request).name)
        except grpc.RpcError as error:
            ends.append(error)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [
        threading.Thread(target=call_on, args=(number, connect(server)), daemon=True)
        for number in range(CALLERS)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(done) > 40, "the callers are at work")
    # It cannot end before this does, so that each of the callers meets it while it stops.
    _, upload = begun_upload(connect(server))
    server.process.signal(signal.SIGTERM)
    until(lambda: len(ends) + len(errors) == CALLERS, "every caller is told that the server stops")
    assert len(list(upload)) == 1
    assert server.process.wait() == 0, server.stderr
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not errors
    # It says repeat, whoever was in the middle of what.
    told = {refusal(error)[:2] for error in ends}
    assert told == {(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")}

    server.restart()
    api = connect(server)
    entries = check_ledger(api)
    for name in done:
        if "/" not in name:
            api.metadata.GetModel(metadata_service_pb2.GetModelRequest(name=f"{api.parent()}/models/{name}"))
    entries = [entry for entry in entries if f"/m-{begun}-" in entry.model]
    created = {entry.model.rpartition("/")[2] for entry in entries if entry.type == "model.created"}
    # What was refused did not happen, and what happened was answered.
    assert created == {name for name in done if "/" not in name}
    promotions = [entry for entry in entries if entry.type == "stage.promoted"]
    assert len(promotions) == sum("/promotions/" in name for name in done)


def test_a_call_that_does_not_end_is_cut_off_after_the_grace_time_and_its_rest_is_swept_away(
    server_factory: ServerFactory,
    connect: Callable[[ServerProcess], Api],
    begun_upload: Callable[[Api], tuple[Frames, Iterator[artifact_service_pb2.PutChunksResponse]]],
) -> None:
    server = server_factory("--grace", "0.2")
    frames, _ = begun_upload(connect(server))
    server.stop()
    frames.put(None)
    assert "did not finish" in server.stderr
    server.restart()
    assert list((server.data / "cas/incoming").iterdir()) == []


def _frame(content: bytes, begin: int, end: int, parent: str = "") -> artifact_service_pb2.PutChunksRequest:
    return artifact_service_pb2.PutChunksRequest(
        parent=parent, digest=_digest(content), size=len(content), offset=begin, data=content[begin:end]
    )


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
