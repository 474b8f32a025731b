"""Who may call what: every method of the contract by every role, in its own project and in a foreign one.

The table below is written out by hand, not read from the options of the protos, so that a wrong option shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc import RpcError, StatusCode
from harness.api import Api, refusal, refused
from muniment.v1 import (
    access_service_pb2,
    artifact_service_pb2,
    ledger_service_pb2,
    metadata_service_pb2,
    promotion_service_pb2,
)

SERVICES = {
    "metadata": metadata_service_pb2,
    "access": access_service_pb2,
    "ledger": ledger_service_pb2,
    "artifact": artifact_service_pb2,
    "promotion": promotion_service_pb2,
}

ANYONE = {"WhoAmI", "ListProjects", "GetCapabilities"}
READS = {
    *("GetProject", "GetModel", "ListModels", "GetVersion", "BatchGetVersions", "ListVersions"),
    *("ResolveVersion", "ListAliases", "ListMetrics", "SearchVersions", "SearchModels"),
    *("CompareVersions", "GetLineage", "ExportVersion", "GetVersionSignature"),
    *("GetPromotion", "ListPromotions", "ListStages", "GetStage", "ListStageHistory", "ListDeployments"),
    *("GetManifest", "ReadRanges", "VerifyManifest", "InspectManifest", "ListTensors", "GetUsage"),
    "GetDirectReads",
    "Watch",
}
AUDITS = {
    *("GetEntry", "ListEntries", "GetHead"),
    *("GetCheckpoint", "GetInclusionProof", "GetConsistencyProof", "ListLogKeys"),
}
WRITES = {
    *("CreateModel", "UpdateModel", "DeleteModel", "CreateVersion", "UpdateVersion", "DeleteVersion"),
    *("ArchiveVersion", "RestoreVersion", "SetAlias", "DeleteAlias", "AddMetrics"),
    *("PlanUpload", "PutChunks", "CommitUpload", "RestoreManifest"),
}
MOVES_STAGES = {"RequestPromotion", "Rollback"}
REPORTS = {"ReportDeployment"}
RECORDS = {"RecordPredictions"}
TRACES = {"TracePrediction", "GetReceipt", "ListPredictions", "CountPredictions"}
TOKENS = {"CreateToken", "ListTokens", "RevokeToken"}
INSTANCE = {"CreateProject"}

MAY = {
    "reader": ANYONE | READS | AUDITS | TRACES,
    "writer": ANYONE | READS | AUDITS | TRACES | WRITES | RECORDS,
    "promoter": ANYONE | READS | AUDITS | TRACES | MOVES_STAGES,
    "controller": ANYONE | READS | REPORTS | RECORDS,
    "admin": ANYONE | READS | AUDITS | TRACES | WRITES | RECORDS | MOVES_STAGES | REPORTS | TOKENS,
}
"""What each role may call in the one project it is held in; nothing of the instance."""

MAY_ON_INSTANCE = {**MAY, "admin": MAY["admin"] | INSTANCE}

METHODS = [
    (attribute, method)
    for attribute, module in SERVICES.items()
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
RESOURCES = {
    "parent": "",
    "name": "",
    "model": "/models/m",
    "version": "/models/m/versions/1",
    "stage": "/models/m/stages/production",
}


def request_of(method: MethodDescriptor, project: str) -> Any:
    """A request about something of a project; whether that exists is decided after the permission."""
    message = GetMessageClass(method.input_type)()
    resource = next((field for field in RESOURCES if field in method.input_type.fields_by_name), None)
    if resource is not None and method.name not in ANYONE:
        setattr(message, resource, f"projects/{project}{RESOURCES[resource]}")
    return message


def outcome(api: Api, attribute: str, method: MethodDescriptor, project: str) -> str:
    """`answered`, or the reason of the refusal; what is found wrong after admission counts as answered."""
    request: Any = request_of(method, project)
    if method.name == "Watch":
        # Refused by itself when it is admitted, so that no test waits on a stream.
        request.after_revision = -1
    call = getattr(getattr(api, attribute), method.name)
    argument: Any = iter([request]) if method.client_streaming else request
    try:
        answer = call(argument)
        if isinstance(answer, Iterator):
            list(answer)
    except RpcError as error:
        why = refusal(error)
    else:
        return "answered"
    assert why.reason != "INTERNAL", (method.name, why)
    assert why.code is not StatusCode.UNIMPLEMENTED
    if why.reason in ("PERMISSION_DENIED", "TOKEN_MISSING", "TOKEN_INVALID", "PROJECT_NOT_FOUND"):
        return why.reason
    return "answered"


@pytest.fixture(scope="module")
def world(admin: Api) -> Iterator[SimpleNamespace]:
    """Two projects, and a caller per role in the first and per role on the instance."""
    own, foreign = admin.new_project(), admin.new_project()
    callers = {
        (role, where): Api(admin.address, admin.new_token(role, project=where))
        for role in MAY
        for where in (own, "-")
    }
    yield SimpleNamespace(own=own, foreign=foreign, callers=callers)
    for caller in callers.values():
        caller.close()


def test_the_table_names_every_method_of_the_contract_once() -> None:
    groups = (ANYONE, READS, AUDITS, WRITES, MOVES_STAGES, REPORTS, RECORDS, TRACES, TOKENS, INSTANCE)
    assert sorted(name for group in groups for name in group) == sorted(method.name for _, method in METHODS)


def test_only_promoter_and_admin_move_stages() -> None:
    assert {role for role, methods in MAY.items() if methods & MOVES_STAGES} == {"promoter", "admin"}


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_call_in_its_own_project_what_the_table_says(world: SimpleNamespace, role: str) -> None:
    caller = world.callers[role, world.own]
    found = {method.name: outcome(caller, attribute, method, world.own) for attribute, method in METHODS}
    assert found == {
        method.name: "answered" if method.name in MAY[role] else "PERMISSION_DENIED" for _, method in METHODS
    }


@pytest.mark.parametrize("role", MAY)
def test_a_foreign_project_does_not_exist_for_any_role(world: SimpleNamespace, role: str) -> None:
    caller = world.callers[role, world.own]
    for project in (world.foreign, "default", "no-such-project"):
        found = {method.name: outcome(caller, attribute, method, project) for attribute, method in METHODS}
        assert found == {
            method.name: "answered"
            if method.name in ANYONE
            else "PERMISSION_DENIED"
            if method.name in INSTANCE
            else "PROJECT_NOT_FOUND"
            for _, method in METHODS
        }


@pytest.mark.parametrize("role", MAY)
def test_a_role_on_the_instance_holds_in_every_project(world: SimpleNamespace, role: str) -> None:
    caller = world.callers[role, "-"]
    for project in (world.own, world.foreign):
        found = {method.name: outcome(caller, attribute, method, project) for attribute, method in METHODS}
        assert found == {
            method.name: "answered" if method.name in MAY_ON_INSTANCE[role] else "PERMISSION_DENIED"
            for _, method in METHODS
        }


@pytest.mark.parametrize("role", MAY)
def test_a_role_in_a_project_gives_nothing_on_the_whole_instance(world: SimpleNamespace, role: str) -> None:
    caller = world.callers[role, world.own]
    found = {method.name: outcome(caller, attribute, method, "-") for attribute, method in METHODS}
    assert found == {
        method.name: "answered" if method.name in ANYONE else "PERMISSION_DENIED" for _, method in METHODS
    }


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (None, "TOKEN_MISSING"),
        ("", "TOKEN_MISSING"),
        ("mun_unknown", "TOKEN_INVALID"),
        ("x" * 4000, "TOKEN_INVALID"),
    ],
)
def test_without_a_valid_token_nothing_is_answered(
    world: SimpleNamespace, admin: Api, token: str | None, reason: str
) -> None:
    with admin.as_caller(token) as nobody:
        for project in (world.own, "no-such-project"):
            found = {outcome(nobody, attribute, method, project) for attribute, method in METHODS}
            assert found == {reason}


@pytest.mark.parametrize("value", ["Basic abc", "mun_x", "Bearer", "Bearer "])
def test_another_scheme_is_no_token(admin: Api, value: str) -> None:
    with admin.as_caller(None) as nobody:
        request = access_service_pb2.WhoAmIRequest()
        why = refused(nobody.access.WhoAmI, request, metadata=(("authorization", value),))
        assert why[:2] == (StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


def test_a_refusal_tells_permission_project_and_the_roles_that_carry_it(world: SimpleNamespace) -> None:
    caller = world.callers["writer", world.own]
    request = promotion_service_pb2.RequestPromotionRequest(
        version=f"projects/{world.own}/models/m/versions/1", stage="production"
    )
    why = refused(caller.promotion.RequestPromotion, request)
    assert why == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_DENIED",
        {"principal": "somebody", "permission": "STAGE_PROMOTE", "project": world.own},
    )


def test_a_caller_lists_only_the_projects_it_has_a_role_in(world: SimpleNamespace, admin: Api) -> None:
    request = metadata_service_pb2.ListProjectsRequest(page_size=1000)
    listed = world.callers["reader", world.own].metadata.ListProjects(request).projects
    assert [project.name for project in listed] == [f"projects/{world.own}"]
    listed = world.callers["reader", "-"].metadata.ListProjects(request).projects
    assert {f"projects/{world.own}", f"projects/{world.foreign}"} < {project.name for project in listed}


def test_names_of_foreign_projects_do_not_leak(world: SimpleNamespace) -> None:
    caller = world.callers["admin", world.own]
    request = metadata_service_pb2.GetModelRequest(name=f"projects/{world.foreign}/models/m")
    real = refused(caller.metadata.GetModel, request)
    request.name = "projects/no-such-project/models/m"
    made_up = refused(caller.metadata.GetModel, request)
    assert real[:2] == made_up[:2] == (StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")
    assert real.facts == {"project": f"projects/{world.foreign}"}


@pytest.mark.parametrize(
    "resource", ["", "x", "projects", "projects/", "projects//models/m", "projects/../models/m"]
)
def test_a_resource_that_names_no_project_is_refused_before_anything_is_read(
    admin: Api, resource: str
) -> None:
    why = refused(admin.metadata.GetModel, metadata_service_pb2.GetModelRequest(name=resource))
    assert why.code is StatusCode.INVALID_ARGUMENT
    assert why.facts["field"] == "name"
