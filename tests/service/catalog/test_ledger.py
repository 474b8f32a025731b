"""The ledger: one entry for every change, none for a refused one, hashed as RFC 6962 says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from harness.api import Api, refused, sha256
from muniment.v1 import (
    access_service_pb2 as access,
)
from muniment.v1 import (
    artifact_service_pb2,
    metadata_service_pb2,
    promotion_service_pb2,
)
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion


def head(api: Api) -> ledger.LedgerHead:
    return api.ledger.GetHead(ledger.GetHeadRequest(parent=api.parent()))


def entries(api: Api, parent: str = "", **conditions: Any) -> list[ledger.LedgerEntry]:
    request = ledger.ListEntriesRequest(parent=parent or api.parent(), page_size=1000, **conditions)
    found: list[ledger.LedgerEntry] = []
    while True:
        answer = api.ledger.ListEntries(request)
        found += answer.entries
        request.page_token = answer.next_page_token
        if not request.page_token:
            return found


def naive_root(bodies: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 word for word: MTH(D[n]) over the list itself."""
    if not bodies:
        return hashlib.sha256(b"").digest()
    if len(bodies) == 1:
        return hashlib.sha256(b"\x00" + bodies[0]).digest()
    k = 1
    while k * 2 < len(bodies):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(bodies[:k]) + naive_root(bodies[k:])).digest()


def mutations(api: Api) -> list[tuple[str, Callable[[Any], Any], Any, dict[str, Any]]]:
    """Every mutation of the contract once, in an order that works: its name, call, request and entry."""
    model, version = f"{api.parent()}/models/m", f"{api.parent()}/models/m/versions/1"
    digest = api.commit({"f": b"1"})
    mask = FieldMask(paths=["description"])
    about = {"project": api.parent(), "model": model}
    first = {**about, "number": 1, "digest": digest}
    m, p, a = api.metadata, api.promotion, api.access
    promoted = {**about, "stage": "staging", "digest": digest, "reason": "why"}
    report = promotion.Deployment(
        target="t",
        model=model,
        stage="staging",
        number=1,
        digest=digest,
        acted_revision=1,
        state=promotion.DEPLOYMENT_STATE_FAILED,
        message="it fell over",
    )
    token_id = int(
        a.CreateToken(
            access.CreateTokenRequest(parent=api.parent(), principal="x", roles=[access.ROLE_READER])
        ).name.rpartition("/")[2]
    )
    other = f"{api.project}-2"
    return [
        (
            "project.created",
            m.CreateProject,
            pb.CreateProjectRequest(project_id=other),
            {"project": f"projects/{other}"},
        ),
        ("model.created", m.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id="m"), about),
        ("model.updated", m.UpdateModel, pb.UpdateModelRequest(name=model, update_mask=mask), about),
        (
            "version.created",
            m.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest)),
            first,
        ),
        (
            "version.created",
            m.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest)),
            {**first, "number": 2},
        ),
        ("version.updated", m.UpdateVersion, pb.UpdateVersionRequest(name=version, update_mask=mask), first),
        (
            "metrics.added",
            m.AddMetrics,
            pb.AddMetricsRequest(version=version, metrics=[catalog.Metric(key="f1", value=float("nan"))]),
            first,
        ),
        (
            "alias.set",
            m.SetAlias,
            pb.SetAliasRequest(name=f"{model}/aliases/a", number=2),
            {**first, "number": 2},
        ),
        (
            "alias.set",
            m.SetAlias,
            pb.SetAliasRequest(name=f"{model}/aliases/a", number=1),
            {**first, "previous_number": 2},
        ),
        (
            "alias.deleted",
            m.DeleteAlias,
            pb.DeleteAliasRequest(name=f"{model}/aliases/a"),
            {**about, "previous_number": 1},
        ),
        (
            "stage.promoted",
            p.RequestPromotion,
            promotion.RequestPromotionRequest(version=version, stage="staging", reason="why"),
            {**promoted, "number": 1},
        ),
        (
            "stage.promoted",
            p.RequestPromotion,
            promotion.RequestPromotionRequest(version=f"{model}/versions/2", stage="staging", reason="why"),
            {**promoted, "number": 2, "previous_number": 1},
        ),
        (
            "stage.rolled_back",
            p.Rollback,
            promotion.RollbackRequest(stage=f"{model}/stages/staging", reason="why"),
            {**promoted, "number": 1, "previous_number": 2},
        ),
        (
            "deployment.reported",
            p.ReportDeployment,
            promotion.ReportDeploymentRequest(parent=api.parent(), deployment=report),
            {**first, "stage": "staging", "reason": "it fell over"},
        ),
        (
            "version.deleted",
            m.DeleteVersion,
            pb.DeleteVersionRequest(name=f"{model}/versions/2"),
            {**first, "number": 2},
        ),
        (
            "token.created",
            a.CreateToken,
            access.CreateTokenRequest(parent=api.parent(), principal="ann", roles=[access.ROLE_READER]),
            {"project": api.parent()},
        ),
        (
            "token.revoked",
            a.RevokeToken,
            access.RevokeTokenRequest(name=f"{api.parent()}/tokens/{token_id}"),
            {"project": api.parent()},
        ),
        (
            "model.created",
            m.CreateModel,
            pb.CreateModelRequest(parent=api.parent(), model_id="gone"),
            {**about, "model": f"{api.parent()}/models/gone"},
        ),
        (
            "model.deleted",
            m.DeleteModel,
            pb.DeleteModelRequest(name=f"{api.parent()}/models/gone"),
            {**about, "model": f"{api.parent()}/models/gone"},
        ),
    ]


def test_the_walk_covers_every_mutation_of_the_contract(api: Api) -> None:
    walked = {request.DESCRIPTOR.full_name for _type, _call, request, _entry in mutations(api)}
    files = (metadata_service_pb2, access, artifact_service_pb2, promotion_service_pb2, ledger)
    mutating = {
        method.input_type.full_name
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    }
    assert walked == mutating


def test_every_mutation_appends_exactly_one_entry_that_tells_it(api: Api) -> None:
    for entry_type, call, request, expected in mutations(api):
        before = head(api).size
        call(request)
        assert head(api).size == before + 1, entry_type
        entry = api.ledger.GetEntry(ledger.GetEntryRequest(parent="projects/-", revision=before + 1))
        told = {
            field: getattr(entry, field)
            for field in ("project", "model", "stage", "number", "previous_number", "digest", "reason")
            if getattr(entry, field)
        }
        assert (entry.revision, entry.type, entry.actor) == (before + 1, entry_type, "admin")
        assert told == expected, entry_type


def test_bodies_are_canonical_and_agree_with_what_is_told_of_them(api: Api) -> None:
    for _type, call, request, _entry in mutations(api):
        call(request)
    found = entries(api)
    assert len(found) > 15
    for entry in found:
        body = json.loads(entry.body)
        assert rfc8785.dumps(body) == entry.body
        assert len(entry.body) <= 65_536
        assert entry.leaf_hash == hashlib.sha256(b"\x00" + entry.body).digest()
        model = f"{entry.project}/models/{body['model']}" if "model" in body else ""
        read = (
            body["revision"],
            body["type"],
            datetime.strptime(body["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
            body["actor"],
            f"projects/{body['project']}",
            model,
            *(body.get(name, "") for name in ("stage", "digest", "reason")),
            *(body.get(name, 0) for name in ("number", "previous_number")),
        )
        assert read == (
            entry.revision,
            entry.type,
            entry.time.ToDatetime(tzinfo=UTC),
            entry.actor,
            entry.project,
            entry.model,
            entry.stage,
            entry.digest,
            entry.reason,
            entry.number,
            entry.previous_number,
        )
        assert set(body) <= {
            "v",
            "revision",
            "type",
            "time",
            "actor",
            "project",
            "model",
            "stage",
            "number",
            "previous_number",
            "digest",
            "reason",
            "data",
        }
        assert body["v"] == 1


def test_what_people_wrote_is_in_the_ledger_by_digest_alone(api: Api) -> None:
    words = "words that must be erasable"
    labels = {"description": words, "tags": {"k": words}}
    api.metadata.CreateProject(
        pb.CreateProjectRequest(project_id=f"{api.project}-3", project=catalog.Project(description=words))
    )
    model = api.metadata.CreateModel(
        pb.CreateModelRequest(parent=api.parent(), model_id="m", model=catalog.Model(**labels))
    )
    version = api.new_version(
        "m",
        **labels,
        params={"k": catalog.ParamValue(text=words)},
        metrics=[catalog.Metric(key="f1", value=1, dataset=words)],
    )
    everything = entries(api) + entries(api, f"projects/{api.project}-3")
    assert words.encode() not in b"".join(entry.body for entry in everything)
    bodies = {entry.type: json.loads(entry.body)["data"] for entry in everything}
    assert bodies["model.created"]["labels"] == sha256(rfc8785.dumps(labels))
    assert bodies["version.created"]["labels"] == sha256(rfc8785.dumps(labels))
    assert bodies["version.created"]["size_bytes"] == version.size_bytes
    assert model.description == words


def test_the_root_is_that_of_rfc_6962_over_all_bodies_without_gap(api: Api) -> None:
    for _type, call, request, _entry in mutations(api):
        call(request)
    everything = entries(api, "projects/-")
    told = head(api)
    assert [entry.revision for entry in everything] == list(range(1, told.size + 1))
    assert told.root_hash == naive_root([entry.body for entry in everything])
    times = [entry.time.ToNanoseconds() for entry in everything]
    assert times == sorted(times)


def test_a_refused_mutation_leaves_no_entry(api: Api) -> None:
    model = api.new_model("m")
    version = api.new_version("m").name
    before = head(api)
    mask = FieldMask(paths=["description"])
    m, p, a = api.metadata, api.promotion, api.access
    for call, request, reason in (
        (m.CreateProject, pb.CreateProjectRequest(project_id=api.project), "NAME_TAKEN"),
        (m.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id="M"), "NAME_TAKEN"),
        (m.UpdateModel, pb.UpdateModelRequest(name=model, update_mask=mask, etag="r0"), "ETAG_MISMATCH"),
        (m.DeleteModel, pb.DeleteModelRequest(name=model, etag="r0"), "ETAG_MISMATCH"),
        (
            m.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=sha256(b"?"))),
            "MANIFEST_NOT_FOUND",
        ),
        (
            m.UpdateVersion,
            pb.UpdateVersionRequest(name=version, update_mask=mask, etag="r0"),
            "ETAG_MISMATCH",
        ),
        (m.DeleteVersion, pb.DeleteVersionRequest(name=version, etag="r0"), "ETAG_MISMATCH"),
        (m.SetAlias, pb.SetAliasRequest(name=f"{model}/aliases/a", number=9), "VERSION_NOT_FOUND"),
        (m.DeleteAlias, pb.DeleteAliasRequest(name=f"{model}/aliases/a"), "ALIAS_NOT_FOUND"),
        (m.AddMetrics, pb.AddMetricsRequest(version=version, metrics=[catalog.Metric()]), "INVALID_FIELD"),
        (
            p.RequestPromotion,
            promotion.RequestPromotionRequest(version=version, stage="nope"),
            "STAGE_NOT_FOUND",
        ),
        (p.Rollback, promotion.RollbackRequest(stage=f"{model}/stages/staging"), "NO_PREVIOUS_VERSION"),
        (p.ReportDeployment, promotion.ReportDeploymentRequest(parent=api.parent()), "INVALID_FIELD"),
        (a.CreateToken, access.CreateTokenRequest(parent=api.parent(), principal="x"), "INVALID_FIELD"),
        (a.RevokeToken, access.RevokeTokenRequest(name=f"{api.parent()}/tokens/999999"), "TOKEN_NOT_FOUND"),
    ):
        assert refused(call, request).reason == reason, request
    assert head(api) == before


def test_bytes_alone_leave_no_entry(api: Api) -> None:
    before = head(api)
    api.commit({"f": b"x" * 10})
    assert head(api) == before


def test_entries_are_filtered_by_what_is_asked_for(api: Api) -> None:
    for _type, call, request, _entry in mutations(api):
        call(request)
    with api.as_caller(api.new_token("writer", principal="ann")) as ann:
        ann.new_model("hers")
    everything = entries(api)

    def revisions(**conditions: Any) -> list[int]:
        return [entry.revision for entry in entries(api, filter=ledger.EntryFilter(**conditions))]

    def expected(holds: Callable[[ledger.LedgerEntry], bool]) -> list[int]:
        found = [entry.revision for entry in everything if holds(entry)]
        assert found
        return found

    assert revisions(model="m") == expected(lambda entry: entry.model.endswith("/models/m"))
    assert revisions(stage="staging") == expected(lambda entry: entry.stage == "staging")
    assert revisions(actor="ann") == expected(lambda entry: entry.actor == "ann")
    assert revisions(types=["alias.set"]) == expected(lambda entry: entry.type == "alias.set")
    assert revisions(types=["stage.*", "token.created"]) == expected(
        lambda entry: entry.type.startswith("stage.") or entry.type == "token.created"
    )
    assert revisions(model="m", stage="staging", types=["stage.*"], actor="admin") == expected(
        lambda entry: entry.type.startswith("stage.")
    )
    assert revisions(types=["stage_.*"]) == []
    assert revisions(model="M") == []
    assert {entry.project for entry in everything} == {api.parent()}


@pytest.mark.parametrize("types", [["%"], ["a'b"], [""], ["*"], ["Stage.promoted"]])
def test_a_filter_that_cannot_mean_a_type_is_refused(api: Api, types: list[str]) -> None:
    request = ledger.ListEntriesRequest(parent=api.parent(), filter=ledger.EntryFilter(types=types))
    why = refused(api.ledger.ListEntries, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "filter.types[0]"})


def test_a_filter_has_at_most_twenty_types(api: Api) -> None:
    request = ledger.ListEntriesRequest(
        parent=api.parent(), filter=ledger.EntryFilter(types=["stage.*"] * 21)
    )
    assert refused(api.ledger.ListEntries, request).reason == "LIMIT_EXCEEDED"


def test_entries_come_in_both_orders_and_between_times(api: Api) -> None:
    for index in range(6):
        api.new_model(f"m{index}")
    oldest = entries(api)
    newest = entries(api, newest_first=True)
    assert [entry.revision for entry in newest] == [entry.revision for entry in oldest][::-1]
    request = ledger.ListEntriesRequest(parent=api.parent(), newest_first=True, page_size=2)
    paged: list[int] = []
    while True:
        answer = api.ledger.ListEntries(request)
        paged += [entry.revision for entry in answer.entries]
        api.new_model(f"more{len(paged)}")
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert paged == [entry.revision for entry in newest]
    # The start is included, the end is not.
    between = entries(api, start_time=oldest[2].time, end_time=oldest[5].time)
    assert [entry.revision for entry in between] == [entry.revision for entry in oldest[2:5]]
    assert entries(api, start_time=Timestamp(seconds=-62135596800), end_time=oldest[0].time) == []
    bad = ledger.ListEntriesRequest(parent=api.parent(), start_time=Timestamp(seconds=2**60))
    assert refused(api.ledger.ListEntries, bad).facts == {"field": "start_time"}


def test_an_entry_is_read_only_through_its_own_project(api: Api) -> None:
    api.new_model("m")
    (entry,) = entries(api, filter=ledger.EntryFilter(types=["model.created"]))
    read = api.ledger.GetEntry(ledger.GetEntryRequest(parent=api.parent(), revision=entry.revision))
    assert read == entry
    size = head(api).size
    for parent, revision in (
        ("projects/default", entry.revision),
        (api.parent(), 1),
        (api.parent(), size + 1),
        ("projects/-", 2**63 - 1),
    ):
        why = refused(api.ledger.GetEntry, ledger.GetEntryRequest(parent=parent, revision=revision))
        assert why == (
            StatusCode.NOT_FOUND,
            "ENTRY_NOT_FOUND",
            {"revision": str(revision), "head": str(size)},
        )
    for revision in (0, -1):
        why = refused(api.ledger.GetEntry, ledger.GetEntryRequest(parent=api.parent(), revision=revision))
        assert why[1:] == ("INVALID_FIELD", {"field": "revision"})


def test_the_ledger_of_a_project_that_does_not_exist_is_not_found(admin: Api) -> None:
    for call, request in (
        (admin.ledger.GetHead, ledger.GetHeadRequest(parent="projects/nowhere")),
        (admin.ledger.GetEntry, ledger.GetEntryRequest(parent="projects/nowhere", revision=1)),
        (admin.ledger.ListEntries, ledger.ListEntriesRequest(parent="projects/nowhere")),
    ):
        assert refused(call, request)[:2] == (StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")
