"""Documented limits: the largest that is allowed is taken, one more is refused naming limit and value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from harness.api import Api, Refusal, refused, sha256
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb

DIGEST = sha256(b"never looked for: the record is judged first")
WIDE = "\U0001f9ea"  # four bytes in UTF-8: limits are in characters


def tags(count: int) -> dict[str, str]:
    return {f"k{index}": "v" for index in range(count)}


def params(count: int) -> dict[str, catalog.ParamValue]:
    return {f"k{index}": catalog.ParamValue(number=index) for index in range(count)}


def version_refused(api: Api, **fields: object) -> Refusal:
    version = catalog.Version(digest=DIGEST, **fields)
    request = pb.CreateVersionRequest(parent=f"{api.parent()}/models/m", version=version)
    return refused(api.metadata.CreateVersion, request)


VERSION_LIMITS: list[tuple[str, int, Callable[[int], dict[str, object]]]] = [
    ("version.description", 16_384, lambda size: {"description": WIDE * size}),
    ("version.tags", 1_000, lambda size: {"tags": tags(size)}),
    ("version.tags[k]", 4_096, lambda size: {"tags": {"k": WIDE * size}}),
    ("version.params", 1_000, lambda size: {"params": params(size)}),
    ("version.params[k]", 16_384, lambda size: {"params": {"k": catalog.ParamValue(text="v" * size)}}),
    ("version.datasets", 100, lambda size: {"datasets": [catalog.Dataset(name="d")] * size}),
    ("version.datasets[0].name", 250, lambda size: {"datasets": [catalog.Dataset(name=WIDE * size)]}),
    (
        "version.datasets[0].version",
        250,
        lambda size: {"datasets": [catalog.Dataset(name=WIDE * 250, version=WIDE * size)]},
    ),
    (
        "version.datasets[0].uri",
        2_048,
        lambda size: {"datasets": [catalog.Dataset(name="d", uri="u" * size)]},
    ),
    ("version.datasets[0].role", 64, lambda size: {"datasets": [catalog.Dataset(name="d", role="u" * size)]}),
    ("version.code.commit", 128, lambda size: {"code": catalog.Code(commit="c" * size)}),
    ("version.code.repository", 2_048, lambda size: {"code": catalog.Code(repository="c" * size)}),
    ("version.code.entry_point", 1_024, lambda size: {"code": catalog.Code(entry_point="c" * size)}),
    ("version.run.id", 250, lambda size: {"run": catalog.Run(id="r" * size)}),
    ("version.run.uri", 2_048, lambda size: {"run": catalog.Run(id="r", uri="r" * size)}),
    ("version.environment.python", 64, lambda size: {"environment": catalog.Environment(python="p" * size)}),
    ("version.environment.host", 250, lambda size: {"environment": catalog.Environment(host="p" * size)}),
    (
        "version.environment.packages",
        2_000,
        lambda size: {"environment": catalog.Environment(packages=tags(size))},
    ),
    (
        "version.processing_steps",
        100,
        lambda size: {"processing_steps": [catalog.ProcessingStep(name="s")] * size},
    ),
    (
        "version.processing_steps[0].description",
        4_096,
        lambda size: {"processing_steps": [catalog.ProcessingStep(name="s", description="d" * size)]},
    ),
    ("version.metrics", 1_000, lambda size: {"metrics": [catalog.Metric(key="k")] * size}),
    ("version.metrics[0].key", 250, lambda size: {"metrics": [catalog.Metric(key=WIDE * size)]}),
    (
        "version.metrics[0].dataset",
        250,
        lambda size: {"metrics": [catalog.Metric(key="k", dataset="d" * size)]},
    ),
]


@pytest.mark.parametrize(("field", "limit", "fields"), VERSION_LIMITS, ids=[one[0] for one in VERSION_LIMITS])
def test_a_record_over_a_limit_is_refused_and_one_at_it_is_taken(
    api: Api, field: str, limit: int, fields: Callable[[int], dict[str, object]]
) -> None:
    api.new_model("m")
    assert version_refused(api, **fields(limit + 1)) == (
        StatusCode.INVALID_ARGUMENT,
        "LIMIT_EXCEEDED",
        {"field": field, "limit": str(limit), "value": str(limit + 1)},
    )
    created = api.new_version("m", **fields(limit))
    assert api.metadata.GetVersion(pb.GetVersionRequest(name=created.name)) == created


def test_at_most_a_hundred_parents_are_recorded(api: Api) -> None:
    api.new_model("m")
    parent = catalog.Parent(version=api.new_version("m").name)
    assert version_refused(api, parents=[parent] * 101)[1:] == (
        "LIMIT_EXCEEDED",
        {"field": "version.parents", "limit": "100", "value": "101"},
    )
    assert len(api.new_version("m", parents=[parent] * 100).parents) == 100


CONTROL = ["\x00", "\x01", "\x1b", "\x7f", "\x85"]


@pytest.mark.parametrize("character", CONTROL, ids=[f"U+{ord(one):04X}" for one in CONTROL])
def test_control_characters_are_refused_in_every_text(api: Api, character: str) -> None:
    bad = f"a{character}b"
    api.new_model("m")
    for field, fields in {
        "version.description": {"description": bad},
        "version.tags[k]": {"tags": {"k": bad}},
        "version.params[k]": {"params": {"k": catalog.ParamValue(text=bad)}},
        "version.datasets[0].uri": {"datasets": [catalog.Dataset(name="d", uri=bad)]},
        "version.code.commit": {"code": catalog.Code(commit=bad)},
        "version.run.id": {"run": catalog.Run(id=bad)},
        "version.environment.host": {"environment": catalog.Environment(host=bad)},
        "version.environment.packages key": {"environment": catalog.Environment(packages={bad: "1"})},
        "version.processing_steps[0].name": {"processing_steps": [catalog.ProcessingStep(name=bad)]},
        "version.metrics[0].key": {"metrics": [catalog.Metric(key=bad)]},
    }.items():
        why = version_refused(api, **fields)
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": field})
    project = pb.CreateProjectRequest(project_id="p", project=catalog.Project(description=bad))
    assert refused(api.metadata.CreateProject, project).facts == {"field": "project.description"}
    request_id = pb.CreateModelRequest(parent=api.parent(), model_id="n", request_id=bad)
    assert refused(api.metadata.CreateModel, request_id).facts == {"field": "request_id"}
    stale = pb.DeleteModelRequest(name=f"{api.parent()}/models/m", etag=bad)
    assert refused(api.metadata.DeleteModel, stale).reason == "ETAG_MISMATCH"
    listed = pb.ListMetricsRequest(version=f"{api.parent()}/models/m/versions/1", key=bad)
    assert refused(api.metadata.ListMetrics, listed).facts == {"field": "key"}


def test_line_breaks_tabs_and_all_scripts_are_kept(api: Api) -> None:
    words = "first\nsecond\r\n\tthird ä 模型 " + WIDE
    model = catalog.Model(description=words, tags={"k": words})
    created = api.metadata.CreateModel(pb.CreateModelRequest(parent=api.parent(), model_id="m", model=model))
    assert (created.description, created.tags["k"]) == (words, words)


def test_a_description_of_the_largest_size_is_taken_everywhere(api: Api) -> None:
    words = WIDE * 16_384
    project = api.metadata.CreateProject(
        pb.CreateProjectRequest(project_id=api.project + "x", project=catalog.Project(description=words))
    )
    assert project.description == words
    model = api.metadata.CreateModel(
        pb.CreateModelRequest(parent=api.parent(), model_id="m", model=catalog.Model(description=words))
    )
    assert model.description == words
    longer = pb.UpdateModelRequest(
        name=model.name,
        model=catalog.Model(description=words + "x"),
        update_mask=FieldMask(paths=["description"]),
    )
    assert refused(api.metadata.UpdateModel, longer)[1:] == (
        "LIMIT_EXCEEDED",
        {"field": "model.description", "limit": "16384", "value": "16385"},
    )


def test_tags_stay_within_their_limit_also_when_added_one_by_one(api: Api) -> None:
    model = api.metadata.CreateModel(
        pb.CreateModelRequest(parent=api.parent(), model_id="m", model=catalog.Model(tags=tags(1_000)))
    )
    assert len(model.tags) == 1_000
    one_more = pb.UpdateModelRequest(
        name=model.name, model=catalog.Model(tags={"new": "v"}), update_mask=FieldMask(paths=["tags.new"])
    )
    assert refused(api.metadata.UpdateModel, one_more)[1:] == (
        "LIMIT_EXCEEDED",
        {"field": "tags", "limit": "1000", "value": "1001"},
    )
    instead = pb.UpdateModelRequest(
        name=model.name,
        model=catalog.Model(tags={"new": "v"}),
        update_mask=FieldMask(paths=["tags.new", "tags.k1"]),
    )
    assert len(api.metadata.UpdateModel(instead).tags) == 1_000


@pytest.mark.parametrize("key", ["", "a b", "ä", "a/b", "a" * 129, "-a"])
def test_a_tag_key_is_a_name(api: Api, key: str) -> None:
    request = pb.CreateModelRequest(parent=api.parent(), model_id="m", model=catalog.Model(tags={key: "v"}))
    why = refused(api.metadata.CreateModel, request)
    assert why.code is StatusCode.INVALID_ARGUMENT
    assert why.facts["field"] == "model.tags key"


def test_a_request_id_has_at_most_128_characters(api: Api) -> None:
    request = pb.CreateModelRequest(parent=api.parent(), model_id="m", request_id="r" * 129)
    why = refused(api.metadata.CreateModel, request)
    assert why[1:] == ("LIMIT_EXCEEDED", {"field": "request_id", "limit": "128", "value": "129"})
    request.request_id = WIDE * 128
    assert api.metadata.CreateModel(request) == api.metadata.CreateModel(request)
