"""Versions: numbered without gap, frozen from birth but for their labels, and found by every selector."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from harness.api import Api, refused, sha256
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2

FROZEN = {
    "params": {"lr": catalog.ParamValue(number=0.1), "name": catalog.ParamValue(text="x")},
    "datasets": [
        catalog.Dataset(name="churn", version="3", digest=sha256(b"d"), uri="s3://b/k", role="holdout"),
        catalog.Dataset(name="more", role="train"),
    ],
    "code": catalog.Code(repository="https://h/r", commit="abc", dirty=True, entry_point="train.py"),
    "run": catalog.Run(id="r1", uri="https://h/runs/1"),
    "environment": catalog.Environment(python="3.11.2", platform="Linux", host="h", packages={"a": "1"}),
    "processing_steps": [catalog.ProcessingStep(name="scale", description="to 0…1")],
}


def get(api: Api, name: str) -> catalog.Version:
    return api.metadata.GetVersion(pb.GetVersionRequest(name=name))


def test_a_version_keeps_everything_it_was_registered_with(api: Api) -> None:
    api.new_model("m")
    parent = api.new_version("m")
    created = api.new_version(
        "m",
        {"a.bin": b"123", "b/c.bin": b"4567"},
        description="beats it",
        tags={"team": "risk"},
        parents=[catalog.Parent(version=parent.name, relation=catalog.PARENT_RELATION_FINETUNED)],
        metrics=[catalog.Metric(key="f1", value=0.9, step=3, dataset="holdout")],
        **FROZEN,
    )
    assert (created.number, created.size_bytes, created.file_count) == (2, 7, 2)
    assert created.name == f"{api.parent()}/models/m/versions/2"
    assert created.state == catalog.VERSION_STATE_READY
    assert (created.description, dict(created.tags), created.author) == (
        "beats it",
        {"team": "risk"},
        "admin",
    )
    for field, expected in FROZEN.items():
        assert getattr(created, field) == expected, field
    assert created.parents[0].relation == catalog.PARENT_RELATION_FINETUNED
    (metric,) = created.metrics
    assert (metric.key, metric.value, metric.step, metric.dataset, metric.reporter) == (
        "f1",
        0.9,
        3,
        "holdout",
        "admin",
    )
    assert metric.measure_time == created.create_time or metric.HasField("measure_time")
    assert get(api, created.name) == created


@pytest.mark.parametrize("number", [1.0, -0.5, 1e300, 5e-324, 123456789012345678901.0, 2.0**53 + 2])
def test_a_number_among_the_params_comes_back_exactly(api: Api, number: float) -> None:
    api.new_model("m")
    created = api.new_version("m", params={"x": catalog.ParamValue(number=number)})
    assert created.params["x"].number == get(api, created.name).params["x"].number == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_param_that_is_no_finite_number_is_refused(api: Api, number: float) -> None:
    api.new_model("m")
    digest = api.commit({"f": b"1"})
    version = catalog.Version(digest=digest, params={"x": catalog.ParamValue(number=number)})
    request = pb.CreateVersionRequest(parent=f"{api.parent()}/models/m", version=version)
    why = refused(api.metadata.CreateVersion, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "version.params[x]"})


def test_numbers_run_from_one_without_gap_whoever_registers_at_once(api: Api) -> None:
    model = api.new_model("m")
    digest = api.commit({"f": b"1"})
    request = pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest))
    missing = pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=sha256(b"not there")))

    def register(index: int) -> int:
        if index % 5 == 4:
            assert refused(api.metadata.CreateVersion, missing).reason == "MANIFEST_NOT_FOUND"
            return 0
        return api.metadata.CreateVersion(request).number

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for number in pool.map(register, range(50)) if number]
    assert sorted(numbers) == list(range(1, 41))


def test_the_number_of_a_deleted_version_is_never_issued_again(api: Api) -> None:
    api.new_model("m")
    api.new_version("m")
    newest = api.new_version("m")
    deleted = api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=newest.name))
    assert deleted.state == catalog.VERSION_STATE_DELETED
    assert api.new_version("m").number == 3
    parent = f"{api.parent()}/models/m"
    listed = api.metadata.ListVersions(pb.ListVersionsRequest(parent=parent)).versions
    assert [version.number for version in listed] == [3, 1]
    listed = api.metadata.ListVersions(pb.ListVersionsRequest(parent=parent, show_deleted=True)).versions
    assert [version.number for version in listed] == [3, 2, 1]
    assert get(api, newest.name).digest == newest.digest


def test_a_tombstone_takes_no_change(api: Api) -> None:
    api.new_model("m")
    version = api.new_version("m")
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=version.name))
    change = pb.UpdateVersionRequest(name=version.name, update_mask=FieldMask(paths=["description"]))
    metrics = pb.AddMetricsRequest(version=version.name, metrics=[catalog.Metric(key="f1", value=1)])
    alias = pb.SetAliasRequest(name=f"{api.parent()}/models/m/aliases/a", number=1)
    for call, request in (
        (api.metadata.UpdateVersion, change),
        (api.metadata.DeleteVersion, pb.DeleteVersionRequest(name=version.name)),
        (api.metadata.AddMetrics, metrics),
        (api.metadata.SetAlias, alias),
    ):
        why = refused(call, request)
        assert why[:2] == (StatusCode.FAILED_PRECONDITION, "VERSION_NOT_READY")
        assert why.facts["state"] == "DELETED"


def test_only_labels_of_a_version_may_change(api: Api) -> None:
    api.new_model("m")
    version = api.new_version("m", tags={"a": "1"})
    changed = api.metadata.UpdateVersion(
        pb.UpdateVersionRequest(
            name=version.name,
            version=catalog.Version(description="new", tags={"b": "2"}),
            update_mask=FieldMask(paths=["description", "tags.b"]),
            etag=version.etag,
        )
    )
    assert (changed.description, dict(changed.tags)) == ("new", {"a": "1", "b": "2"})
    stale = pb.UpdateVersionRequest(
        name=version.name, update_mask=FieldMask(paths=["description"]), etag=version.etag
    )
    assert refused(api.metadata.UpdateVersion, stale)[:2] == (StatusCode.ABORTED, "ETAG_MISMATCH")
    for frozen in catalog.Version.DESCRIPTOR.fields_by_name:
        if frozen not in ("description", "tags"):
            request = pb.UpdateVersionRequest(name=version.name, update_mask=FieldMask(paths=[frozen]))
            assert refused(api.metadata.UpdateVersion, request).facts == {"field": "update_mask"}, frozen
    assert get(api, version.name) == changed


def test_a_version_needs_a_model_and_a_manifest_of_its_project(api: Api) -> None:
    digest = api.commit({"f": b"1"})
    parent = f"{api.parent()}/models/m"
    version = catalog.Version(digest=digest)
    no_model = refused(api.metadata.CreateVersion, pb.CreateVersionRequest(parent=parent, version=version))
    assert no_model == (StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", {"model": parent})
    api.new_model("m")
    elsewhere = api.new_project()
    foreign = catalog.Version(digest=api.commit({"f": b"only there"}, project=elsewhere))
    why = refused(api.metadata.CreateVersion, pb.CreateVersionRequest(parent=parent, version=foreign))
    assert why == (StatusCode.NOT_FOUND, "MANIFEST_NOT_FOUND", {"digest": foreign.digest})
    for bad in ("", "sha256:", "sha256:" + "A" * 64, "md5:" + "a" * 64, "a" * 64):
        request = pb.CreateVersionRequest(parent=parent, version=catalog.Version(digest=bad))
        why = refused(api.metadata.CreateVersion, request)
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "version.digest"})


def test_a_parent_must_exist_be_visible_and_not_be_a_tombstone(api: Api) -> None:
    api.new_model("m")
    digest = api.commit({"f": b"1"})
    elsewhere = api.new_project()
    api.new_model("secret", project=elsewhere)
    foreign = api.new_version("secret", project=elsewhere)
    gone = api.new_version("m")
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=gone.name))

    def request(parent: str) -> pb.CreateVersionRequest:
        version = catalog.Version(digest=digest, parents=[catalog.Parent(version=parent)])
        return pb.CreateVersionRequest(parent=f"{api.parent()}/models/m", version=version)

    with api.as_caller(api.new_token("writer")) as writer:
        hidden = refused(writer.metadata.CreateVersion, request(foreign.name))
    assert hidden == (StatusCode.NOT_FOUND, "VERSION_NOT_FOUND", {"version": foreign.name})
    missing = refused(api.metadata.CreateVersion, request(f"{api.parent()}/models/m/versions/99"))
    assert missing.reason == "VERSION_NOT_FOUND"
    assert refused(api.metadata.CreateVersion, request(gone.name)).reason == "VERSION_NOT_READY"
    unreadable = refused(api.metadata.CreateVersion, request("m@1"))
    assert unreadable[1:] == ("INVALID_NAME", {"field": "version.parents[0].version", "value": "m@1"})
    assert api.metadata.CreateVersion(request(foreign.name)).parents[0].version == foreign.name


def test_a_version_in_use_cannot_go(api: Api) -> None:
    api.new_model("m")
    current, parent = api.new_version("m"), api.new_version("m")
    child = api.new_version("m", parents=[catalog.Parent(version=parent.name)])
    api.promotion.RequestPromotion(
        promotion_service_pb2.RequestPromotionRequest(version=current.name, stage="production")
    )
    for name, user in ((current.name, "stage production"), (parent.name, f"its descendant {child.name}")):
        why = refused(api.metadata.DeleteVersion, pb.DeleteVersionRequest(name=name))
        assert why == (StatusCode.FAILED_PRECONDITION, "IN_USE", {"resource": name, "user": user})
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=child.name))
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=parent.name))


def test_a_descendant_in_a_foreign_project_is_not_named_to_who_may_not_see_it(api: Api) -> None:
    api.new_model("base")
    parent = api.new_version("base")
    with Api(api.address, api.token, project=api.new_project()) as foreign:
        foreign.new_model("secret-merger")
        foreign.new_version("secret-merger", parents=[catalog.Parent(version=parent.name)])
    with api.as_caller(api.new_token("writer")) as writer:
        for why in (
            refused(writer.metadata.DeleteVersion, pb.DeleteVersionRequest(name=parent.name)),
            refused(writer.metadata.DeleteModel, pb.DeleteModelRequest(name=f"{api.parent()}/models/base")),
        ):
            assert why.reason == "IN_USE"
            assert why.facts["user"] == "a descendant in another project"


@pytest.mark.parametrize("etag", ["x" * 65, "x" * 20_000])
def test_an_etag_that_no_registry_gives_is_refused(api: Api, etag: str) -> None:
    api.new_model("m")
    version = api.new_version("m")
    mask = FieldMask(paths=["description"])
    why = refused(
        api.metadata.UpdateVersion,
        pb.UpdateVersionRequest(name=version.name, version=version, update_mask=mask, etag=etag),
    )
    assert why[:2] == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


def test_batch_get_answers_in_the_order_asked_for(api: Api) -> None:
    api.new_model("a")
    api.new_model("b")
    names = [api.new_version(model).name for model in ("a", "b", "a", "b")]
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=names[2]))
    wanted = [names[3], names[0], names[2], names[1], names[0]]
    answer = api.metadata.BatchGetVersions(pb.BatchGetVersionsRequest(parent=api.parent(), names=wanted))
    assert [version.name for version in answer.versions] == wanted
    assert answer.versions[1] == get(api, names[0])


def test_batch_get_fails_whole_for_one_that_is_missing_foreign_or_too_many(api: Api) -> None:
    api.new_model("m")
    name = api.new_version("m").name

    def why(names: list[str]) -> tuple[str, dict[str, str]]:
        return refused(
            api.metadata.BatchGetVersions, pb.BatchGetVersionsRequest(parent=api.parent(), names=names)
        )[1:]

    missing = f"{api.parent()}/models/m/versions/2"
    assert why([name, missing]) == ("VERSION_NOT_FOUND", {"version": missing})
    foreign = "projects/default/models/m/versions/1"
    assert why([name, foreign]) == ("INVALID_NAME", {"field": "names[1]", "value": foreign})
    assert why([]) == ("INVALID_FIELD", {"field": "names"})
    assert why([name] * 1001) == ("LIMIT_EXCEEDED", {"field": "names", "limit": "1000", "value": "1001"})
    full = pb.BatchGetVersionsRequest(parent=api.parent(), names=[name] * 1000)
    assert len(api.metadata.BatchGetVersions(full).versions) == 1000


@pytest.mark.parametrize("tail", ["0", "-1", "01", "x", "1" * 19, "", "1/2", "٣"])
def test_a_malformed_version_number_is_refused(api: Api, tail: str) -> None:
    name = f"{api.parent()}/models/m/versions/{tail}"
    why = refused(api.metadata.GetVersion, pb.GetVersionRequest(name=name))
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_NAME", {"field": "name", "value": name})
