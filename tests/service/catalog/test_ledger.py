"""The ledger: one entry for every change, none for a refused one, hashed as RFC 6962 says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import rfc8785
from google.protobuf.field_mask_pb2 import FieldMask
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

Mutations = list[tuple[str, Callable[[Any], Any], Any, dict[str, Any]]]


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


def test_the_walk_covers_every_mutation_of_the_contract(api: Api, mutations: Mutations) -> None:
    walked = {request.DESCRIPTOR.full_name for _type, _call, request, _entry in mutations}
    files = (metadata_service_pb2, access, artifact_service_pb2, promotion_service_pb2, ledger)
    mutating = {
        method.input_type.full_name
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    }
    assert walked == mutating


def test_every_mutation_appends_exactly_one_entry_that_tells_it(api: Api, mutations: Mutations) -> None:
    for entry_type, call, request, expected in mutations:
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


def test_bodies_are_canonical_and_agree_with_what_is_told_of_them(api: Api, mutations: Mutations) -> None:
    for _type, call, request, _entry in mutations:
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
            "request",
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


def test_the_root_is_that_of_rfc_6962_over_all_bodies_without_gap(api: Api, mutations: Mutations) -> None:
    for _type, call, request, _entry in mutations:
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
