"""Comparing two versions: everything recorded of them, side by side, and nothing of what a caller may not read."""

from __future__ import annotations

import math

import pytest
from google.protobuf import json_format
from grpc import StatusCode
from harness.api import Api, refused, sha256
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import comparison_pb2 as comparison
from muniment.v1 import metadata_service_pb2 as pb

ADDED, REMOVED = comparison.DIFFERENCE_KIND_ADDED, comparison.DIFFERENCE_KIND_REMOVED
CHANGED, EQUAL = comparison.DIFFERENCE_KIND_CHANGED, comparison.DIFFERENCE_KIND_EQUAL


def text(value: str) -> catalog.ParamValue:
    return catalog.ParamValue(text=value)


def number(value: float) -> catalog.ParamValue:
    return catalog.ParamValue(number=value)


def compare(api: Api, a: str, b: str, **fields: object) -> comparison.VersionComparison:
    request = pb.CompareVersionsRequest(parent=api.parent(), version_a=a, version_b=b, **fields)
    return api.metadata.CompareVersions(request)


@pytest.fixture
def pair(api: Api) -> tuple[catalog.Version, catalog.Version]:
    """Two versions of two models that share some of everything."""
    api.new_model("old")
    api.new_model("new")
    parents = [api.new_version("old").name for _ in range(3)]
    a = api.new_version(
        "old",
        {"same": b"1", "changed": b"22", "gone": b"333"},
        params={"lr": number(0.1), "kind": text("1"), "same": number(1), "gone": text("x")},
        tags={"team": "risk", "same": "s"},
        metrics=[
            catalog.Metric(key="f1", value=0.5, step=1),
            catalog.Metric(key="nan", value=math.nan),
            catalog.Metric(key="loss", value=math.inf),
            catalog.Metric(key="gone", value=1),
        ],
        datasets=[
            catalog.Dataset(name="d", version="1"),
            catalog.Dataset(name="d", version="2"),
            catalog.Dataset(name="d", role="holdout"),
        ],
        code=catalog.Code(commit="c1"),
        run=catalog.Run(id="r1"),
        environment=catalog.Environment(python="3.11", host="h", packages={"numpy": "1", "torch": "2"}),
        parents=[
            catalog.Parent(version=parents[0], relation=catalog.PARENT_RELATION_FINETUNED),
            catalog.Parent(version=parents[1]),
        ],
    )
    b = api.new_version(
        "new",
        {"same": b"1", "changed": b"4444", "fresh": b"55555"},
        params={"lr": number(0.2), "kind": number(1), "same": number(1)},
        tags={"team": "fraud", "same": "s", "new": ""},
        metrics=[
            catalog.Metric(key="f1", value=0.75, step=9),
            catalog.Metric(key="nan", value=math.nan),
            catalog.Metric(key="loss", value=1),
        ],
        datasets=[catalog.Dataset(name="d", version="1"), catalog.Dataset(name="d", version="3")],
        code=catalog.Code(commit="c2", dirty=True),
        run=catalog.Run(id="r1"),
        environment=catalog.Environment(python="3.12", packages={"numpy": "2", "torch": "2"}),
        parents=[
            catalog.Parent(version=parents[0], relation=catalog.PARENT_RELATION_QUANTIZED),
            catalog.Parent(version=parents[2]),
        ],
    )
    return a, b


def test_what_differs_is_told_with_both_sides(
    api: Api, pair: tuple[catalog.Version, catalog.Version]
) -> None:
    a, b = pair
    found = compare(api, a.name, b.name)
    for side, version in ((found.a, a), (found.b, b)):
        assert (side.name, side.digest, side.state) == (version.name, version.digest, version.state)
        assert (side.size_bytes, side.file_count) == (version.size_bytes, version.file_count)
        assert (side.author, side.create_time) == ("admin", version.create_time)
    assert [(one.key, one.kind) for one in found.params] == [
        ("gone", REMOVED),
        ("kind", CHANGED),
        ("lr", CHANGED),
    ]
    assert (found.params[1].a.text, found.params[1].b.number) == ("1", 1)
    assert not found.params[0].HasField("b")
    assert [(one.key, one.kind, one.a, one.b) for one in found.tags] == [
        ("new", ADDED, "", ""),
        ("team", CHANGED, "risk", "fraud"),
    ]
    assert (found.tags[0].HasField("a"), found.tags[0].HasField("b")) == (False, True)
    assert [(one.kind, one.a.version, one.b.version, one.a.role) for one in found.datasets] == [
        (REMOVED, "", "", "holdout"),
        (CHANGED, "2", "3", "train"),
    ]
    assert (found.code.kind, found.code.a.commit, found.code.b.dirty) == (CHANGED, "c1", True)
    assert not found.HasField("run")
    assert [(one.key, one.kind) for one in found.environment] == [("host", REMOVED), ("python", CHANGED)]
    assert [(one.key, one.a, one.b) for one in found.packages] == [("numpy", "1", "2")]
    assert [(one.kind, one.a.relation, one.b.relation) for one in found.parents] == [
        (CHANGED, catalog.PARENT_RELATION_FINETUNED, catalog.PARENT_RELATION_QUANTIZED),
        (REMOVED, catalog.PARENT_RELATION_DERIVED, 0),
        (ADDED, 0, catalog.PARENT_RELATION_DERIVED),
    ]


def test_metrics_are_compared_by_value_and_numbers_that_are_none_break_nothing(
    api: Api, pair: tuple[catalog.Version, catalog.Version]
) -> None:
    found = compare(api, pair[0].name, pair[1].name)
    assert [(one.key, one.kind) for one in found.metrics] == [
        ("f1", CHANGED),
        ("gone", REMOVED),
        ("loss", CHANGED),
    ]
    f1, _, loss = found.metrics
    assert (f1.a.value, f1.b.value, f1.difference, f1.b.step) == (0.5, 0.75, 0.25, 9)
    assert not loss.HasField("difference")
    everything = compare(api, pair[0].name, pair[1].name, include_equal=True)
    nan = everything.metrics[-1]
    assert (nan.key, nan.kind, math.isnan(nan.a.value)) == ("nan", EQUAL, True)
    printed = json_format.MessageToJson(everything)
    assert json_format.Parse(printed, comparison.VersionComparison()).metrics[2].a.value == math.inf


def test_files_are_told_with_sizes_and_counted(
    api: Api, pair: tuple[catalog.Version, catalog.Version]
) -> None:
    found = compare(api, pair[0].name, pair[1].name)
    assert [(one.path, one.kind, one.size_bytes_a, one.size_bytes_b) for one in found.files] == [
        ("changed", CHANGED, 2, 4),
        ("fresh", ADDED, 0, 5),
        ("gone", REMOVED, 3, 0),
    ]
    assert (found.files[0].digest_a, found.files[0].digest_b) == (sha256(b"22"), sha256(b"4444"))
    assert found.files_compared
    counts = found.file_counts
    assert (counts.equal, counts.added, counts.removed, counts.changed, counts.new_bytes) == (1, 1, 1, 1, 9)
    everything = compare(api, pair[0].name, pair[1].name, include_equal=True)
    assert ("same", EQUAL) in {(one.path, one.kind) for one in everything.files}
    assert everything.run.kind == EQUAL


def test_a_version_does_not_differ_from_itself(
    api: Api, pair: tuple[catalog.Version, catalog.Version]
) -> None:
    found = compare(api, pair[0].name, pair[0].name)
    for field in ("params", "tags", "metrics", "datasets", "environment", "packages", "parents", "files"):
        assert not getattr(found, field), field
    assert not found.HasField("code")


def test_tombstones_are_compared_too(api: Api, pair: tuple[catalog.Version, catalog.Version]) -> None:
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=pair[1].name))
    found = compare(api, pair[0].name, pair[1].name)
    assert found.b.state == catalog.VERSION_STATE_DELETED
    assert len(found.files) == 3


def test_versions_of_other_projects_are_compared_by_those_who_may_read_them(api: Api) -> None:
    api.new_model("m")
    own = api.new_version("m", params={"x": number(1)})
    elsewhere = api.new_project()
    api.new_model("m", project=elsewhere)
    foreign = api.new_version("m", project=elsewhere)
    assert compare(api, own.name, foreign.name).params[0].kind == REMOVED
    with api.as_caller(api.new_token("reader")) as reader:
        for a, b in ((own.name, foreign.name), (foreign.name, own.name)):
            request = pb.CompareVersionsRequest(parent=api.parent(), version_a=a, version_b=b)
            why = refused(reader.metadata.CompareVersions, request)
            assert why == (StatusCode.NOT_FOUND, "VERSION_NOT_FOUND", {"version": foreign.name})
        missing = foreign.name + "9"
        request = pb.CompareVersionsRequest(parent=api.parent(), version_a=own.name, version_b=missing)
        assert refused(reader.metadata.CompareVersions, request).reason == "VERSION_NOT_FOUND"


def test_names_of_parents_that_may_not_be_read_are_left_out(api: Api) -> None:
    elsewhere = api.new_project()
    api.new_model("secret", project=elsewhere)
    hidden = catalog.Parent(version=api.new_version("secret", project=elsewhere).name)
    api.new_model("m")
    child, other = api.new_version("m", parents=[hidden]), api.new_version("m")
    with api.as_caller(api.new_token("reader")) as reader:
        found = compare(reader, child.name, other.name)
        assert [(one.kind, one.a.version, one.HasField("b")) for one in found.parents] == [
            (REMOVED, "", False)
        ]
        assert elsewhere not in str(found)
        for shown in (
            reader.metadata.GetVersion(pb.GetVersionRequest(name=child.name)),
            reader.metadata.ResolveVersion(
                pb.ResolveVersionRequest(model=f"{api.parent()}/models/m", selector="1")
            ),
            reader.metadata.ListVersions(pb.ListVersionsRequest(parent=f"{api.parent()}/models/m")).versions[
                1
            ],
            reader.metadata.SearchVersions(
                pb.SearchVersionsRequest(parent=api.parent(), filter="number = 1")
            ).versions[0],
            reader.metadata.BatchGetVersions(
                pb.BatchGetVersionsRequest(parent=api.parent(), names=[child.name])
            ).versions[0],
        ):
            assert [(one.version, one.relation) for one in shown.parents] == [
                ("", catalog.PARENT_RELATION_DERIVED)
            ]
    assert compare(api, child.name, other.name).parents[0].a.version == hidden.version


@pytest.mark.parametrize("field", ["version_a", "version_b"])
def test_both_versions_are_required_and_must_be_names(api: Api, field: str) -> None:
    api.new_model("m")
    request = pb.CompareVersionsRequest(
        parent=api.parent(),
        version_a=api.new_version("m").name,
        version_b=f"{api.parent()}/models/m/versions/1",
    )
    setattr(request, field, "")
    why = refused(api.metadata.CompareVersions, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": field})
    setattr(request, field, "m@1")
    why = refused(api.metadata.CompareVersions, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_NAME", {"field": field, "value": "m@1"})
