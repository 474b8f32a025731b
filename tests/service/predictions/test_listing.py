"""Predictions of a version or a data set: in order of time, page by page, and counted."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness.api import Api, refused
from muniment.v1 import catalog_pb2
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1.prediction_pb2 import Prediction

Make = Callable[..., Prediction]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DATASET = f"sha256:{'d' * 64}"


def listed(api: Api, *, page_size: int = 0, **query: Any) -> list[str]:
    request = pb.ListPredictionsRequest(parent=api.parent(), page_size=page_size, **query)
    ids: list[str] = []
    while True:
        response = api.ledger.ListPredictions(request)
        assert len(response.predictions) <= (page_size or 100)
        ids += [one.id for one in response.predictions]
        if not response.next_page_token:
            return ids
        request.page_token = response.next_page_token


def counted(api: Api, **query: Any) -> int:
    return int(api.ledger.CountPredictions(pb.CountPredictionsRequest(parent=api.parent(), **query)).count)


def test_pages_are_in_order_of_time_whatever_batch_they_came_in(
    api: Api, version: catalog_pb2.Version, make: Make, record: Any
) -> None:
    other = api.new_version("churn", datasets=version.datasets)
    foreign = api.new_version("churn")
    chance = random.Random(20261123)
    times: dict[str, datetime] = {}
    of: dict[str, str] = {}
    for batch in range(4):
        messages = []
        for number in range(15):
            name = f"{batch}-{number}"
            # Within minutes, over the full hour, and far away: batches lie across each other.
            times[name] = NOON + timedelta(
                microseconds=chance.choice((1, 1_000_000, 1_000_000_000, 10**13)) * chance.randrange(-9, 10)
            )
            of[name] = chance.choice((version.name, other.name, foreign.name))
            messages.append(make(name, time=times[name], version=of[name]))
        record(api, messages[:5], messages[5:])
    order = sorted(times, key=lambda name: (times[name], *map(int, name.split("-"))))
    mine = [name for name in order if of[name] == version.name]
    trained = [name for name in order if of[name] != foreign.name]
    for page_size in (1, 7, 100):
        assert listed(api, version=version.name, page_size=page_size) == mine
    assert listed(api, dataset_digest=DATASET, page_size=4) == trained
    assert counted(api, version=version.name) == len(mine)
    assert counted(api, dataset_digest=DATASET) == len(trained)
    bounds = [times[name] for name in chance.sample(mine, 4)] + [NOON, NOON + timedelta(microseconds=1)]
    for start in bounds:
        for end in bounds:
            expected = [name for name in mine if start <= times[name] < end]
            query = {"version": version.name, "start_time": start, "end_time": end}
            assert listed(api, page_size=5, **query) == expected
            assert counted(api, **query) == len(expected)
    assert counted(api, dataset_digest=DATASET, start_time=NOON) == sum(
        times[name] >= NOON for name in trained
    )


def test_trained_on_a_data_set_is_who_names_it_with_a_role_of_training(
    api: Api, version: catalog_pb2.Version, make: Make, record: Any
) -> None:
    roles = ("train", "Training", "finetune", "holdout", "validation", "trained-away")
    for role in roles:
        dataset = catalog_pb2.Dataset(name="clients", digest=DATASET, role=role)
        judged = api.new_version("churn", datasets=[dataset])
        record(api, [make(f"by-{role}", version=judged.name)])
    # It trained one more, which was judged by it besides: nothing is counted twice for that.
    both = [
        catalog_pb2.Dataset(name="clients", digest=DATASET, role=role) for role in ("holdout", "", "train")
    ]
    record(api, [make("by-both", version=api.new_version("churn", datasets=both).name), make("by-default")])
    trained = ["by-train", "by-Training", "by-finetune", "by-both", "by-default"]
    assert listed(api, dataset_digest=DATASET) == trained
    assert counted(api, dataset_digest=DATASET) == len(trained)


def test_nanoseconds_count(api: Api, version: catalog_pb2.Version, make: Make, record: Any) -> None:
    made = [make(f"n-{nanos}") for nanos in (999, 1, 500)]
    for one in made:
        one.time.nanos = int(one.id[2:])
    record(api, made)
    assert listed(api, version=version.name) == ["n-1", "n-500", "n-999"]
    query = pb.ListPredictionsRequest(parent=api.parent(), version=version.name)
    query.start_time.CopyFrom(made[2].time)
    query.end_time.CopyFrom(made[0].time)
    assert [one.id for one in api.ledger.ListPredictions(query).predictions] == ["n-500"]
    count = pb.CountPredictionsRequest(parent=api.parent(), version=version.name, end_time=made[2].time)
    assert api.ledger.CountPredictions(count).count == 1


def test_either_a_version_or_a_data_set_is_asked_for(api: Api, version: catalog_pb2.Version) -> None:
    for query, field in (
        ({}, "version"),
        ({"version": version.name, "dataset_digest": DATASET}, "version"),
        ({"version": "projects/default/models/churn/versions/1"}, "version"),
        ({"version": "churn@1"}, "version"),
        ({"dataset_digest": "md5:1"}, "dataset_digest"),
    ):
        for call, kind in (
            (api.ledger.ListPredictions, pb.ListPredictionsRequest),
            (api.ledger.CountPredictions, pb.CountPredictionsRequest),
        ):
            assert refused(call, kind(parent=api.parent(), **query)).facts["field"] == field
    assert listed(api, version=version.name) == []
    assert counted(api, dataset_digest=DATASET) == 0


@pytest.mark.parametrize("page_size", [-1, 1001])
def test_a_page_has_its_limits(api: Api, version: catalog_pb2.Version, page_size: int) -> None:
    request = pb.ListPredictionsRequest(parent=api.parent(), version=version.name, page_size=page_size)
    assert refused(api.ledger.ListPredictions, request).facts["field"] == "page_size"


def test_a_page_token_belongs_to_its_query(
    api: Api, version: catalog_pb2.Version, make: Make, record: Any
) -> None:
    record(api, [make(), make()])
    request = pb.ListPredictionsRequest(parent=api.parent(), version=version.name, page_size=1)
    token = api.ledger.ListPredictions(request).next_page_token
    other = pb.ListPredictionsRequest(parent=api.parent(), dataset_digest=DATASET, page_token=token)
    assert refused(api.ledger.ListPredictions, other).reason == "INVALID_PAGE_TOKEN"
