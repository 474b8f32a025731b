"""What callers send by mistake or on purpose is refused by field and reason, and changes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from grpc import StatusCode
from harness.api import Api, refused
from harness.server import ServerProcess
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import comparison_pb2 as comparison
from muniment.v1 import metadata_service_pb2 as pb

MIB = 1024 * 1024


@pytest.fixture
def version(api: Api) -> catalog.Version:
    api.new_model("m")
    return api.new_version("m", tags={"kept": "1"})


def label_changes(api: Api, version: catalog.Version, tags: dict[str, str]) -> list[tuple[Any, Any, str]]:
    """Every call that takes tags: the call, its request, and the name of the field."""
    model = f"{api.parent()}/models/m"
    mask = FieldMask(paths=["tags"])
    return [
        (
            api.metadata.CreateModel,
            pb.CreateModelRequest(parent=api.parent(), model_id="n", model=catalog.Model(tags=tags)),
            "model.tags",
        ),
        (
            api.metadata.UpdateModel,
            pb.UpdateModelRequest(name=model, model=catalog.Model(tags=tags), update_mask=mask),
            "model.tags",
        ),
        (
            api.metadata.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=version.digest, tags=tags)),
            "version.tags",
        ),
        (
            api.metadata.UpdateVersion,
            pb.UpdateVersionRequest(name=version.name, version=catalog.Version(tags=tags), update_mask=mask),
            "version.tags",
        ),
    ]


def test_a_tag_of_a_mebibyte_is_refused_everywhere(api: Api, version: catalog.Version) -> None:
    for call, request, field in label_changes(api, version, {"k": "v" * MIB}):
        assert refused(call, request) == (
            StatusCode.INVALID_ARGUMENT,
            "LIMIT_EXCEEDED",
            {"field": f"{field}[k]", "limit": "4096", "value": str(MIB)},
        )
    assert api.metadata.GetVersion(pb.GetVersionRequest(name=version.name)) == version


def test_ten_thousand_and_one_tags_are_refused_everywhere(api: Api, version: catalog.Version) -> None:
    for call, request, field in label_changes(api, version, {f"k{index}": "" for index in range(10_001)}):
        assert refused(call, request) == (
            StatusCode.INVALID_ARGUMENT,
            "LIMIT_EXCEEDED",
            {"field": field, "limit": "1000", "value": "10001"},
        )
    assert api.metadata.GetVersion(pb.GetVersionRequest(name=version.name)) == version


def test_large_bad_requests_leave_no_memory_behind(
    api: Api, version: catalog.Version, registry: ServerProcess
) -> None:
    process = psutil.Process(registry.process.pid)
    requests = [
        *label_changes(api, version, {"k": "v" * MIB}),
        *label_changes(api, version, {f"k{index}": "v" * 50 for index in range(10_001)}),
    ]

    def send(size: int) -> None:
        while size > 0:
            for call, request, _ in requests:
                assert refused(call, request).reason == "LIMIT_EXCEEDED"
                size -= request.ByteSize()

    # Allocators keep some of what they had, about 75 MiB however long this goes on, and most of it soon.
    send(64 * MIB)
    before = process.memory_info().rss
    send(192 * MIB)
    assert process.memory_info().rss - before < 128 * MIB


@pytest.mark.parametrize(
    ("call", "request_class"),
    [("AddMetrics", pb.AddMetricsRequest), ("BatchGetVersions", pb.BatchGetVersionsRequest)],
)
def test_a_request_that_is_small_to_send_and_large_to_hold_is_refused_unread(
    api: Api, registry: ServerProcess, call: str, request_class: type[Message]
) -> None:
    (repeated,) = (
        field.number for field in request_class.DESCRIPTOR.fields if field.name in ("metrics", "names")
    )
    process = psutil.Process(registry.process.pid)
    empty = bytes([repeated << 3 | 2, 0])
    ask = grpc.insecure_channel(registry.address).unary_unary(f"/muniment.v1.MetadataService/{call}")
    before = process.memory_info().rss
    with pytest.raises(grpc.RpcError) as caught:
        ask(empty * (12 * MIB), metadata=[("authorization", f"Bearer {registry.token}")])
    assert caught.value.code() is StatusCode.INVALID_ARGUMENT
    assert "has more than 50000 fields" in caught.value.details()
    assert process.memory_info().rss - before < 100 * MIB


def test_filters_of_which_none_is_like_another_leave_no_memory_behind(
    api: Api, registry: ServerProcess
) -> None:
    process = psutil.Process(registry.process.pid)

    def ask(shapes: range) -> None:
        for shape in shapes:
            where = " ".join(f"metrics.m{at} {'>=' if shape >> at & 1 else '<='} 0" for at in range(64))
            request = pb.SearchVersionsRequest(
                parent=api.parent(), filter=where, order_by="tags.a, params.b desc"
            )
            assert not api.metadata.SearchVersions(request).versions

    # As many as are kept, and then three times as many.
    ask(range(20))
    before = process.memory_info().rss
    ask(range(20, 80))
    assert process.memory_info().rss - before < 64 * MIB


OUTPUT_ONLY = [
    *("name", "number", "state", "size_bytes", "file_count", "metrics", "stages", "aliases", "author"),
    *("create_time", "update_time", "create_revision", "etag"),
]
FROZEN = [
    *("digest", "params", "datasets", "parents", "code", "run", "environment", "processing_steps"),
    "signature",
]


@pytest.mark.parametrize("path", [*OUTPUT_ONLY, *FROZEN, "nothing", "tags.", "params.lr", "*", ""])
def test_a_mask_names_only_what_may_change(api: Api, version: catalog.Version, path: str) -> None:
    request = pb.UpdateVersionRequest(
        name=version.name,
        version=catalog.Version(description="new", number=9, state=catalog.VERSION_STATE_ARCHIVED),
        update_mask=FieldMask(paths=["description", path]),
    )
    why = refused(api.metadata.UpdateVersion, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "update_mask"})
    assert api.metadata.GetVersion(pb.GetVersionRequest(name=version.name)) == version


def test_every_field_of_a_version_is_either_changeable_frozen_or_set_by_the_server() -> None:
    fields = {field.name for field in catalog.Version.DESCRIPTOR.fields}
    assert fields == {"description", "tags", *OUTPUT_ONLY, *FROZEN}


def test_a_stale_etag_refuses_every_change_of_a_version(api: Api, version: catalog.Version) -> None:
    update = pb.UpdateVersionRequest(
        name=version.name,
        version=catalog.Version(description="1"),
        update_mask=FieldMask(paths=["description"]),
        etag=version.etag,
    )
    changed = api.metadata.UpdateVersion(update)
    for call, request in (
        (api.metadata.UpdateVersion, update),
        (api.metadata.DeleteVersion, pb.DeleteVersionRequest(name=version.name, etag=version.etag)),
        (api.metadata.ArchiveVersion, pb.ArchiveVersionRequest(name=version.name, etag=version.etag)),
    ):
        assert refused(call, request) == (
            StatusCode.ABORTED,
            "ETAG_MISMATCH",
            {"field": "etag", "expected": version.etag, "actual": changed.etag},
        )
    assert api.metadata.GetVersion(pb.GetVersionRequest(name=version.name)) == changed
    # Metrics and pointers are no fields of its own: they leave the etag alone.
    api.metadata.AddMetrics(
        pb.AddMetricsRequest(version=version.name, metrics=[catalog.Metric(key="f1", value=1)])
    )
    api.metadata.SetAlias(pb.SetAliasRequest(name=f"{api.parent()}/models/m/aliases/a", number=1))
    assert api.metadata.GetVersion(pb.GetVersionRequest(name=version.name)).etag == changed.etag


def reuses(api: Api, version: catalog.Version) -> list[tuple[Callable[..., Any], Any, Any]]:
    """Every mutation of the catalog with two bodies that differ."""
    m, model = api.metadata, f"{api.parent()}/models/m"
    mask = FieldMask(paths=["description"])
    metric = catalog.Metric(key="f1", value=math.nan)
    return [
        (
            m.UpdateVersion,
            pb.UpdateVersionRequest(name=version.name, update_mask=mask),
            pb.UpdateVersionRequest(name=version.name, update_mask=mask, etag="r1"),
        ),
        (
            m.AddMetrics,
            pb.AddMetricsRequest(version=version.name, metrics=[metric]),
            pb.AddMetricsRequest(version=version.name, metrics=[metric, metric]),
        ),
        (
            m.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=version.digest)),
            pb.CreateVersionRequest(
                parent=model, version=catalog.Version(digest=version.digest, description="x")
            ),
        ),
        (
            m.SetAlias,
            pb.SetAliasRequest(name=f"{model}/aliases/a", number=1),
            pb.SetAliasRequest(name=f"{model}/aliases/a", number=2),
        ),
        (
            m.DeleteVersion,
            pb.DeleteVersionRequest(name=f"{model}/versions/2"),
            pb.DeleteVersionRequest(name=version.name),
        ),
    ]


def test_a_request_id_with_another_body_is_refused_and_changes_nothing(
    api: Api, version: catalog.Version
) -> None:
    for index, (call, first, second) in enumerate(reuses(api, version)):
        request_id = f"{api.project}-{index}"
        first.request_id = second.request_id = request_id
        answer = call(first)
        before = api.metadata.GetVersion(pb.GetVersionRequest(name=version.name))
        why = refused(call, second)
        assert why == (
            StatusCode.ALREADY_EXISTS,
            "REQUEST_ID_REUSED",
            {"field": "request_id", "request_id": request_id},
        )
        # As text: NaN does not equal itself.
        assert str(call(first)) == str(answer)
        assert str(api.metadata.GetVersion(pb.GetVersionRequest(name=version.name))) == str(before)


def test_metrics_that_are_no_numbers_break_no_json(api: Api) -> None:
    api.new_model("m")
    values = {"nan": math.nan, "up": math.inf, "down": -math.inf}
    metrics = [catalog.Metric(key=key, value=value) for key, value in values.items()]
    name = api.new_version("m", metrics=metrics).name
    api.metadata.AddMetrics(pb.AddMetricsRequest(version=name, metrics=metrics))
    read = api.metadata.GetVersion(pb.GetVersionRequest(name=name))
    compared = api.metadata.CompareVersions(
        pb.CompareVersionsRequest(parent=api.parent(), version_a=name, version_b=name, include_equal=True)
    )
    for message, kind in ((read, catalog.Version), (compared, comparison.VersionComparison)):
        printed = json_format.MessageToJson(message)
        json.loads(printed, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert json_format.Parse(printed, kind()).SerializeToString(
            deterministic=True
        ) == message.SerializeToString(deterministic=True)
    bom = api.metadata.ExportVersion(pb.ExportVersionRequest(name=name, format=pb.EXPORT_FORMAT_CYCLONEDX))
    json.loads(bom.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_names_are_never_decoded_or_folded_into_others(api: Api, version: catalog.Version) -> None:
    for name in ("%6d", "M", "m%00", "../m", "m/../m", "m/", "m\n"):
        path = f"{api.parent()}/models/{name}/versions/1"
        for call, request in (
            (api.metadata.GetVersion, pb.GetVersionRequest(name=path)),
            (
                api.metadata.ExportVersion,
                pb.ExportVersionRequest(name=path, format=pb.EXPORT_FORMAT_MODEL_CARD),
            ),
            (api.metadata.GetLineage, pb.GetLineageRequest(parent=api.parent(), version=path)),
            (
                api.metadata.CompareVersions,
                pb.CompareVersionsRequest(parent=api.parent(), version_a=version.name, version_b=path),
            ),
        ):
            assert refused(call, request).reason in ("INVALID_NAME", "VERSION_NOT_FOUND")
