"""Metrics: only ever added, the latest of each key shown with the version, NaN and infinities kept."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb


@pytest.fixture
def version(api: Api) -> str:
    api.new_model("m")
    return api.new_version("m").name


def add(api: Api, version: str, *metrics: catalog.Metric) -> pb.AddMetricsResponse:
    return api.metadata.AddMetrics(pb.AddMetricsRequest(version=version, metrics=metrics))


def series(api: Api, version: str, key: str = "") -> list[tuple[str, float, int]]:
    answer = api.metadata.ListMetrics(pb.ListMetricsRequest(version=version, key=key))
    return [(metric.key, metric.value, metric.step) for metric in answer.metrics]


def test_values_are_kept_in_the_order_they_were_added_and_the_last_of_a_key_is_shown(
    api: Api, version: str
) -> None:
    add(
        api, version, catalog.Metric(key="loss", value=3, step=1), catalog.Metric(key="loss", value=2, step=2)
    )
    answer = add(
        api, version, catalog.Metric(key="f1", value=0.9), catalog.Metric(key="loss", value=1, step=3)
    )
    assert answer.revision > 0
    assert answer.HasField("record_time")
    assert {metric.reporter for metric in answer.metrics} == {"admin"}
    assert series(api, version) == [("loss", 3, 1), ("loss", 2, 2), ("f1", 0.9, 0), ("loss", 1, 3)]
    assert series(api, version, "loss") == [("loss", 3, 1), ("loss", 2, 2), ("loss", 1, 3)]
    assert series(api, version, "none") == []
    shown = api.metadata.GetVersion(pb.GetVersionRequest(name=version)).metrics
    assert [(metric.key, metric.value) for metric in shown] == [("f1", 0.9), ("loss", 1)]


def test_values_that_are_no_numbers_are_kept(api: Api, version: str) -> None:
    values = {"nan": math.nan, "up": math.inf, "down": -math.inf, "tiny": 5e-324, "zero": -0.0}
    add(api, version, *(catalog.Metric(key=key, value=value) for key, value in values.items()))
    for found in (
        api.metadata.ListMetrics(pb.ListMetricsRequest(version=version)).metrics,
        api.metadata.GetVersion(pb.GetVersionRequest(name=version)).metrics,
    ):
        read = {metric.key: metric.value for metric in found}
        assert math.isnan(read.pop("nan"))
        assert read == {key: value for key, value in values.items() if key != "nan"}


def test_a_value_given_its_time_keeps_it(api: Api, version: str) -> None:
    for time in (datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)):
        stamp = Timestamp()
        stamp.FromDatetime(time)
        answer = add(api, version, catalog.Metric(key="f1", value=1, measure_time=stamp))
        assert answer.metrics[0].measure_time == stamp
        assert api.metadata.GetVersion(pb.GetVersionRequest(name=version)).metrics[0].measure_time == stamp


def test_a_bad_value_adds_none_of_its_call(api: Api, version: str) -> None:
    good = catalog.Metric(key="f1", value=1)
    for bad, field in (
        (catalog.Metric(value=1), "key"),
        (catalog.Metric(key="a\x00b", value=1), "key"),
        (catalog.Metric(key="f1", step=-1), "step"),
        (catalog.Metric(key="f1", step=2**53), "step"),
        (catalog.Metric(key="f1", dataset="a\x07"), "dataset"),
        (catalog.Metric(key="f1", measure_time=Timestamp(seconds=2**60)), "measure_time"),
    ):
        why = refused(api.metadata.AddMetrics, pb.AddMetricsRequest(version=version, metrics=[good, bad]))
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": f"metrics[1].{field}"})
    assert series(api, version) == []


def test_a_call_adds_between_one_and_a_thousand_values(api: Api, version: str) -> None:
    none = refused(api.metadata.AddMetrics, pb.AddMetricsRequest(version=version))
    assert none[1:] == ("INVALID_FIELD", {"field": "metrics"})
    many = [catalog.Metric(key="loss", value=step, step=step) for step in range(1001)]
    why = refused(api.metadata.AddMetrics, pb.AddMetricsRequest(version=version, metrics=many))
    assert why[1:] == ("LIMIT_EXCEEDED", {"field": "metrics", "limit": "1000", "value": "1001"})
    assert len(add(api, version, *many[:1000]).metrics) == 1000


def test_a_version_has_at_most_a_thousand_metrics_however_they_were_added(api: Api, version: str) -> None:
    add(api, version, *(catalog.Metric(key=f"k{index}", value=1) for index in range(1000)))
    add(api, version, catalog.Metric(key="k7", value=2))
    one_more = pb.AddMetricsRequest(version=version, metrics=[catalog.Metric(key="new", value=1)])
    why = refused(api.metadata.AddMetrics, one_more)
    assert why[:2] == (StatusCode.INVALID_ARGUMENT, "LIMIT_EXCEEDED")
    assert len(api.metadata.GetVersion(pb.GetVersionRequest(name=version)).metrics) == 1000


def test_metrics_belong_to_a_version_that_exists(api: Api, version: str) -> None:
    missing = version[:-1] + "9"
    request = pb.AddMetricsRequest(version=missing, metrics=[catalog.Metric(key="f1", value=1)])
    assert refused(api.metadata.AddMetrics, request).reason == "VERSION_NOT_FOUND"
    assert (
        refused(api.metadata.ListMetrics, pb.ListMetricsRequest(version=missing)).reason
        == "VERSION_NOT_FOUND"
    )
