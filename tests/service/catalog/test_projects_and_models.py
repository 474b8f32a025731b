"""Projects and models: created once, listed by name, changed by mask and etag, and never issued again."""

from __future__ import annotations

import uuid

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import catalog_pb2, promotion_service_pb2
from muniment.v1 import metadata_service_pb2 as pb


def create_model(api: Api, model_id: str, **fields: object) -> catalog_pb2.Model:
    request = pb.CreateModelRequest(parent=api.parent(), model_id=model_id, model=catalog_pb2.Model(**fields))
    return api.metadata.CreateModel(request)


def update(model: str, *paths: str, etag: str = "", **fields: object) -> pb.UpdateModelRequest:
    return pb.UpdateModelRequest(
        name=model, model=catalog_pb2.Model(**fields), update_mask=FieldMask(paths=paths), etag=etag
    )


def test_a_project_is_created_with_its_stages_and_read_again(admin: Api) -> None:
    project_id = f"p-{uuid.uuid4().hex}"
    created = admin.metadata.CreateProject(
        pb.CreateProjectRequest(project_id=project_id, project=catalog_pb2.Project(description="Risk"))
    )
    assert created.name == f"projects/{project_id}"
    assert created.description == "Risk"
    assert list(created.stages) == ["staging", "production"]
    assert created.HasField("create_time")
    assert created.etag
    assert admin.metadata.GetProject(pb.GetProjectRequest(name=created.name)) == created


def test_a_project_name_that_differs_by_case_only_is_taken(api: Api) -> None:
    request = pb.CreateProjectRequest(project_id=api.project.upper())
    why = refused(api.metadata.CreateProject, request)
    assert why == (
        StatusCode.ALREADY_EXISTS,
        "NAME_TAKEN",
        {"name": api.project.upper(), "existing": api.project},
    )


def test_a_project_that_does_not_exist_is_not_found_by_any_read(admin: Api) -> None:
    model = "projects/nowhere/models/churn"
    for call, request in (
        (admin.metadata.GetProject, pb.GetProjectRequest(name="projects/nowhere")),
        (admin.metadata.ListModels, pb.ListModelsRequest(parent="projects/nowhere")),
        (admin.metadata.CreateModel, pb.CreateModelRequest(parent="projects/nowhere", model_id="m")),
        (admin.metadata.GetModel, pb.GetModelRequest(name=model)),
        (admin.metadata.GetVersion, pb.GetVersionRequest(name=f"{model}/versions/1")),
        (admin.metadata.ResolveVersion, pb.ResolveVersionRequest(model=model, selector="latest")),
        (admin.metadata.ListVersions, pb.ListVersionsRequest(parent=model)),
        (admin.metadata.ListAliases, pb.ListAliasesRequest(parent=model)),
        (admin.metadata.ListMetrics, pb.ListMetricsRequest(version=f"{model}/versions/1")),
        (admin.promotion.ListStages, promotion_service_pb2.ListStagesRequest(parent=model)),
    ):
        assert refused(call, request)[:2] == (StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")


def test_a_model_is_created_and_read_again(api: Api) -> None:
    created = create_model(api, "churn", description="Who leaves", tags={"team": "risk", "a.b": "1"})
    assert created.name == f"{api.parent()}/models/churn"
    assert created.description == "Who leaves"
    assert dict(created.tags) == {"team": "risk", "a.b": "1"}
    assert created.state == catalog_pb2.MODEL_STATE_ACTIVE
    assert (created.latest_number, list(created.stages), created.creator) == (0, [], "admin")
    assert created.create_time == created.update_time
    assert api.metadata.GetModel(pb.GetModelRequest(name=created.name)) == created


def test_fields_the_server_sets_are_ignored_in_a_new_model(api: Api) -> None:
    created = create_model(api, "churn", name="x", latest_number=9, creator="mallory", etag="r1")
    assert created.name == f"{api.parent()}/models/churn"
    assert (created.latest_number, created.creator) == (0, "admin")


@pytest.mark.parametrize("second", ["churn", "Churn", "CHURN"])
def test_a_model_name_is_taken_in_whatever_case(api: Api, second: str) -> None:
    create_model(api, "churn")
    why = refused(api.metadata.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id=second))
    assert why == (StatusCode.ALREADY_EXISTS, "NAME_TAKEN", {"name": second, "existing": "churn"})


def test_the_same_name_is_free_in_another_project(api: Api) -> None:
    create_model(api, "churn")
    other = api.new_project()
    assert api.new_model("Churn", project=other) == f"projects/{other}/models/Churn"


def test_a_case_other_than_that_of_the_name_finds_nothing(api: Api) -> None:
    create_model(api, "churn")
    why = refused(api.metadata.GetModel, pb.GetModelRequest(name=f"{api.parent()}/models/Churn"))
    assert why[:2] == (StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")


@pytest.mark.parametrize(
    "model_id",
    [
        "../x",
        "a/b",
        "a b",
        ".",
        "..",
        "-a",
        "a-",
        "a" * 129,
        "%2e%2e",
        "a%2Fb",
        "ä",
        "a\x00b",
        "a\n",
        "a‮b",
        "a\u200bb",
    ],
)
def test_a_malformed_model_name_is_refused_naming_the_field(api: Api, model_id: str) -> None:
    why = refused(api.metadata.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id=model_id))
    assert why == (
        StatusCode.INVALID_ARGUMENT,
        "INVALID_NAME",
        {"field": "model_id", "value": model_id[:200]},
    )


def test_an_empty_model_name_is_a_missing_field(api: Api) -> None:
    why = refused(api.metadata.CreateModel, pb.CreateModelRequest(parent=api.parent()))
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "model_id"})


@pytest.mark.parametrize("name", ["a", "9", "a" * 128, "CustomerChurnPredictor", "a.b_c-d"])
def test_names_at_the_edge_of_the_rule_are_accepted(api: Api, name: str) -> None:
    assert create_model(api, name).name.endswith(f"/models/{name}")


def test_only_what_the_mask_names_is_changed(api: Api) -> None:
    model = create_model(api, "m", description="old", tags={"a": "1", "b": "2"})
    changed = api.metadata.UpdateModel(update(model.name, "description", description="new", tags={"c": "3"}))
    assert changed.description == "new"
    assert dict(changed.tags) == {"a": "1", "b": "2"}
    changed = api.metadata.UpdateModel(update(model.name, "tags", description="ignored", tags={"c": "3"}))
    assert changed.description == "new"
    assert dict(changed.tags) == {"c": "3"}
    assert changed.etag != model.etag
    assert changed.create_time == model.create_time
    assert api.metadata.GetModel(pb.GetModelRequest(name=model.name)) == changed


def test_single_tags_are_set_and_removed_by_mask(api: Api) -> None:
    model = create_model(api, "m", tags={"a": "1", "b": "2", "c.d": "3"})
    changed = api.metadata.UpdateModel(
        update(model.name, "tags.a", "tags.b", "tags.c.d", tags={"a": "9", "c.d": "", "other": "no"})
    )
    assert dict(changed.tags) == {"a": "9", "c.d": ""}


@pytest.mark.parametrize("paths", [(), ("name",), ("creator",), ("latest_number",), ("Description",), ("*",)])
def test_a_mask_without_a_changeable_field_is_refused(api: Api, paths: tuple[str, ...]) -> None:
    model = create_model(api, "m")
    why = refused(api.metadata.UpdateModel, update(model.name, *paths, description="new"))
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "update_mask"})


@pytest.mark.parametrize("path", ["tags.", "tags.../x", "tags.a b"])
def test_a_mask_names_tags_that_could_exist(api: Api, path: str) -> None:
    model = create_model(api, "m")
    why = refused(api.metadata.UpdateModel, update(model.name, path))
    assert why.code is StatusCode.INVALID_ARGUMENT
    assert why.facts["field"] == "update_mask"


def test_a_stale_etag_refuses_the_change_and_tells_both_sides(api: Api) -> None:
    model = create_model(api, "m")
    changed = api.metadata.UpdateModel(update(model.name, "description", etag=model.etag, description="1"))
    why = refused(
        api.metadata.UpdateModel, update(model.name, "description", etag=model.etag, description="2")
    )
    assert why == (
        StatusCode.ABORTED,
        "ETAG_MISMATCH",
        {"field": "etag", "expected": model.etag, "actual": changed.etag},
    )
    stale = refused(api.metadata.DeleteModel, pb.DeleteModelRequest(name=model.name, etag=model.etag))
    assert stale.reason == "ETAG_MISMATCH"
    assert api.metadata.GetModel(pb.GetModelRequest(name=model.name)).description == "1"


def test_a_new_version_does_not_change_the_etag_of_its_model(api: Api) -> None:
    model = create_model(api, "m")
    api.new_version("m")
    after = api.metadata.GetModel(pb.GetModelRequest(name=model.name))
    assert (after.etag, after.latest_number) == (model.etag, 1)


def test_a_deleted_model_is_gone_from_reads_and_its_name_is_never_issued_again(api: Api) -> None:
    model = create_model(api, "churn")
    version = api.new_version("churn")
    deleted = api.metadata.DeleteModel(pb.DeleteModelRequest(name=model.name))
    assert deleted.state == catalog_pb2.MODEL_STATE_DELETED
    for call, request in (
        (api.metadata.GetModel, pb.GetModelRequest(name=model.name)),
        (api.metadata.DeleteModel, pb.DeleteModelRequest(name=model.name)),
        (api.metadata.UpdateModel, update(model.name, "description")),
        (api.metadata.ListVersions, pb.ListVersionsRequest(parent=model.name, show_deleted=True)),
        (api.metadata.ResolveVersion, pb.ResolveVersionRequest(model=model.name)),
    ):
        assert refused(call, request)[:2] == (StatusCode.NOT_FOUND, "MODEL_NOT_FOUND")
    assert not api.metadata.ListModels(pb.ListModelsRequest(parent=api.parent())).models
    # The record of what once was registered stays.
    kept = api.metadata.GetVersion(pb.GetVersionRequest(name=version.name))
    assert kept.state == catalog_pb2.VERSION_STATE_DELETED
    for again in ("churn", "Churn"):
        why = refused(api.metadata.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id=again))
        assert why[:2] == (StatusCode.ALREADY_EXISTS, "NAME_TAKEN")


def test_a_model_that_is_current_in_a_stage_cannot_go(api: Api) -> None:
    model = create_model(api, "m")
    version = api.new_version("m")
    api.promotion.RequestPromotion(
        promotion_service_pb2.RequestPromotionRequest(version=version.name, stage="staging")
    )
    why = refused(api.metadata.DeleteModel, pb.DeleteModelRequest(name=model.name))
    assert why == (
        StatusCode.FAILED_PRECONDITION,
        "IN_USE",
        {"resource": version.name, "user": "stage staging"},
    )
    assert {
        one.stage: one.number for one in api.metadata.GetModel(pb.GetModelRequest(name=model.name)).stages
    } == {"staging": 1}


def test_a_model_whose_version_is_parent_elsewhere_cannot_go_and_its_own_children_do_not_count(
    api: Api,
) -> None:
    base = create_model(api, "base")
    create_model(api, "other")
    first = api.new_version("base")
    api.new_version("base", parents=[catalog_pb2.Parent(version=first.name)])
    child = api.new_version("other", parents=[catalog_pb2.Parent(version=first.name)])
    why = refused(api.metadata.DeleteModel, pb.DeleteModelRequest(name=base.name))
    assert why.reason == "IN_USE"
    assert child.name in why.facts["user"]
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=child.name))
    assert (
        api.metadata.DeleteModel(pb.DeleteModelRequest(name=base.name)).state
        == catalog_pb2.MODEL_STATE_DELETED
    )
