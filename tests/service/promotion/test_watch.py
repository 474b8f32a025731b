"""The guarantees of Watch by name: ordered, unique, atomic, reliable, resumable, bookmarked, filtered."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from harness.api import Api, refusal
from harness.server import ServerFactory
from muniment.v1 import ledger_service_pb2, metadata_service_pb2
from muniment.v1 import promotion_service_pb2 as pb


def watch(api: Api, after: int = 0, **conditions) -> Iterator[pb.WatchResponse]:
    return api.promotion.Watch(
        pb.WatchRequest(
            parent=api.parent(),
            after_revision=after,
            filter=ledger_service_pb2.EntryFilter(**conditions),
            heartbeat=Duration(seconds=1),
        )
    )


def head(api: Api) -> int:
    return int(api.ledger.GetHead(ledger_service_pb2.GetHeadRequest(parent=api.parent())).size)


def until(stream, revision: int) -> list[ledger_service_pb2.LedgerEntry]:
    """The entries of a watch up to a revision."""
    entries = []
    for response in stream:
        entries += response.entries
        if response.revision >= revision:
            stream.cancel()
            return entries
    raise AssertionError("the watch ended by itself")


def set_alias(api: Api, model: str, alias: str, number: int = 1) -> None:
    api.metadata.SetAlias(
        metadata_service_pb2.SetAliasRequest(name=f"{model}/aliases/{alias}", number=number)
    )


def write_concurrently(stages, *, writers: int, each: int) -> None:
    threads = [
        threading.Thread(
            target=lambda name: [set_alias(stages.api, stages.model, f"{name}-{n}") for n in range(each)],
            args=(f"w{w}",),
        )
        for w in range(writers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_ordered_and_unique_every_watcher_sees_the_same_sequence_while_many_write(stages) -> None:
    stages.register()
    begin = head(stages.api)
    streams = [watch(stages.api, begin) for _ in range(4)]
    write_concurrently(stages, writers=8, each=10)
    end = head(stages.api)
    sequences = [[entry.revision for entry in until(stream, end)] for stream in streams]
    assert sequences[0] == list(range(begin + 1, end + 1))
    assert all(sequence == sequences[0] for sequence in sequences)


def test_reliable_the_table_and_the_live_stream_agree(stages) -> None:
    stages.register()
    begin = head(stages.api)
    live = watch(stages.api, begin)
    next(live)
    write_concurrently(stages, writers=4, each=10)
    end = head(stages.api)
    assert [e.SerializeToString() for e in until(live, end)] == [
        e.SerializeToString() for e in until(watch(stages.api, begin), end)
    ]


def test_resumable_from_every_revision(stages) -> None:
    stages.register()
    stages.promote(1)
    stages.promote(1, "staging")
    end = head(stages.api)
    for after in range(end - 3, end):
        assert [entry.revision for entry in until(watch(stages.api, after), end)] == list(
            range(after + 1, end + 1)
        )


def test_atomic_an_event_is_sent_only_when_its_change_can_be_read(stages) -> None:
    stages.register(b"1")
    stages.register(b"2")
    stream = watch(stages.api, head(stages.api), types=["stage.promoted"])
    next(stream)
    for number in (1, 2, 1, 2):
        stages.promote(number)
        response = next(response for response in stream if response.entries)
        assert [entry.number for entry in response.entries] == [number]
        assert stages.current() == number
    stream.cancel()


def test_bookmarked_heartbeats_move_on_past_entries_that_do_not_match(stages) -> None:
    stages.register()
    stream = watch(stages.api, head(stages.api), stage="production")
    assert not next(stream).entries
    set_alias(stages.api, stages.model, "champion")
    end = head(stages.api)
    assert until(stream, end) == []


def test_filtered_by_model_stage_type_actor_and_project(stages) -> None:
    api = stages.api
    stages.register()
    stages.promote(1)
    stages.promote(1, "staging")
    set_alias(api, stages.model, "champion")
    api.metadata.CreateModel(metadata_service_pb2.CreateModelRequest(parent=api.parent(), model_id="other"))
    end = head(api)

    def types(**conditions) -> list[str]:
        return [entry.type for entry in until(watch(api, **conditions), end)]

    assert types(stage="production") == ["stage.promoted"]
    assert types(types=["stage.*", "alias.set"]) == ["stage.promoted", "stage.promoted", "alias.set"]
    assert types(model="other") == ["model.created"]
    name = stages.model.rpartition("/")[2]
    assert types(model=name, number=1, types=["version.*", "stage.*"], stage="staging") == ["stage.promoted"]
    assert types(model=name, number=2) == []
    assert types(actor="nobody") == []
    assert types()[0] == "project.created"
    with api.as_caller(api.token) as elsewhere:
        elsewhere.project = elsewhere.new_project()
        assert [entry.type for entry in until(watch(elsewhere), head(api))] == ["project.created"]


def test_a_revision_of_another_registry_is_refused(stages) -> None:
    with pytest.raises(grpc.RpcError) as error:
        next(watch(stages.api, 10**9))
    assert refusal(error.value)[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


def test_a_watch_of_all_projects_needs_a_role_on_the_instance(stages) -> None:
    api = stages.api
    with api.as_caller(api.new_token("admin")) as local:
        with pytest.raises(grpc.RpcError) as error:
            next(local.promotion.Watch(pb.WatchRequest(parent="projects/-")))
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert next(api.promotion.Watch(pb.WatchRequest(parent="projects/-"))).entries[0].revision == 1


def test_a_reader_that_stands_still_for_long_misses_nothing(stages) -> None:
    stages.register()
    begin = head(stages.api)
    slow = watch(stages.api, begin)
    next(slow)
    write_concurrently(stages, writers=8, each=75)
    end = head(stages.api)
    assert [entry.revision for entry in until(slow, end)] == list(range(begin + 1, end + 1))


def test_a_watch_goes_on_from_its_revision_after_the_server_was_killed(server_factory: ServerFactory) -> None:
    server = server_factory()
    seen = []
    for round_number in range(3):
        with Api(server.address, server.token) as api:
            stream = watch(api, seen[-1] if seen else 0)
            api.metadata.CreateModel(
                metadata_service_pb2.CreateModelRequest(parent=api.parent(), model_id=f"m{round_number}")
            )
            seen += [entry.revision for entry in until(stream, head(api))]
        server.kill9()
        server.restart()
    # Revisions 1 and 2 are the log's key and the admin token, which belong to the instance, not to the project.
    assert seen == [3, 4, 5, 6]


def test_watchers_are_told_to_come_back_when_the_server_stops(server_factory: ServerFactory) -> None:
    server = server_factory()
    with Api(server.address, server.token) as api:
        stream = watch(api)
        next(stream)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        with pytest.raises(grpc.RpcError) as error:
            for _ in stream:
                pass
        stopping.join()
    assert refusal(error.value)[:2] == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


def test_bookmarked_the_first_message_covers_what_was_committed_before(stages) -> None:
    stages.register()
    for number in range(20):
        set_alias(stages.api, stages.model, f"a{number}")
        end = head(stages.api)
        stream = watch(stages.api, actor="nobody")
        assert next(stream).revision >= end
        stream.cancel()
