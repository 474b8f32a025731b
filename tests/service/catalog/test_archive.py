"""Archiving: what a version that is not needed at hand may still be used for."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion


@pytest.fixture
def version(api: Api) -> catalog.Version:
    """The second of two versions."""
    api.new_model("m")
    api.new_version("m")
    return api.new_version("m", {"a.bin": b"content"})


def archive(api: Api, version: catalog.Version, **fields: str) -> catalog.Version:
    return api.metadata.ArchiveVersion(pb.ArchiveVersionRequest(name=version.name, **fields))


def restore(api: Api, version: catalog.Version, **fields: str) -> catalog.Version:
    return api.metadata.RestoreVersion(pb.RestoreVersionRequest(name=version.name, **fields))


def resolved(api: Api, selector: str) -> catalog.Version:
    model = f"{api.parent()}/models/m"
    return api.metadata.ResolveVersion(pb.ResolveVersionRequest(model=model, selector=selector))


def promote(version: catalog.Version) -> promotion.RequestPromotionRequest:
    return promotion.RequestPromotionRequest(version=version.name, stage="staging")


def test_an_archived_version_keeps_its_record_and_is_latest_no_more(
    api: Api, version: catalog.Version
) -> None:
    api.metadata.SetAlias(pb.SetAliasRequest(name=f"{api.parent()}/models/m/aliases/old", number=2))
    archived = archive(api, version, reason="obsolete")
    assert archived.state == catalog.VERSION_STATE_ARCHIVED
    assert (archived.digest, archived.params) == (version.digest, version.params)
    assert archived.etag != version.etag
    assert resolved(api, "latest").number == 1
    assert resolved(api, "old").state == resolved(api, "2").state == catalog.VERSION_STATE_ARCHIVED
    found = api.metadata.SearchVersions(
        pb.SearchVersionsRequest(parent=api.parent(), filter="state = ARCHIVED")
    )
    assert [one.name for one in found.versions] == [version.name]
    entries = api.ledger.ListEntries(ledger.ListEntriesRequest(parent=api.parent())).entries
    newest = entries[-1]
    assert (newest.type, newest.number, newest.reason) == ("version.archived", 2, "obsolete")
    assert newest.digest == version.digest


def test_an_archived_version_is_neither_promoted_nor_given_an_alias(
    api: Api, version: catalog.Version
) -> None:
    archive(api, version)
    alias = pb.SetAliasRequest(name=f"{api.parent()}/models/m/aliases/new", number=2)
    for call, request in (
        (api.promotion.RequestPromotion, promote(version)),
        (api.metadata.SetAlias, alias),
        (api.metadata.ArchiveVersion, pb.ArchiveVersionRequest(name=version.name)),
    ):
        why = refused(call, request)
        assert why[:2] == (StatusCode.FAILED_PRECONDITION, "VERSION_NOT_READY")
        assert why.facts["state"] == "ARCHIVED"


def test_what_is_restored_is_as_it_was_before(api: Api, version: catalog.Version) -> None:
    api.metadata.SetAlias(pb.SetAliasRequest(name=f"{api.parent()}/models/m/aliases/old", number=2))
    archive(api, version)
    restored = restore(api, version, reason="needed after all")
    assert restored.state == catalog.VERSION_STATE_READY
    assert (restored.digest, list(restored.aliases)) == (version.digest, ["old"])
    assert resolved(api, "latest").number == 2
    api.promotion.RequestPromotion(promote(version))
    why = refused(api.metadata.RestoreVersion, pb.RestoreVersionRequest(name=version.name))
    assert why[:2] == (StatusCode.FAILED_PRECONDITION, "VERSION_NOT_ARCHIVED")
    assert why.facts["state"] == "READY"


def test_what_is_current_in_a_stage_is_not_archived(api: Api, version: catalog.Version) -> None:
    api.promotion.RequestPromotion(promote(version))
    why = refused(api.metadata.ArchiveVersion, pb.ArchiveVersionRequest(name=version.name))
    assert why[:2] == (StatusCode.FAILED_PRECONDITION, "IN_USE")
    assert why.facts["user"] == "stage staging"


def test_a_rollback_passes_over_archived_versions(api: Api, version: catalog.Version) -> None:
    first = api.metadata.GetVersion(pb.GetVersionRequest(name=version.name[:-1] + "1"))
    third = api.new_version("m", {"a.bin": b"third"})
    for one in (first, version, third):
        api.promotion.RequestPromotion(promote(one))
    archive(api, version)
    move = api.promotion.Rollback(promotion.RollbackRequest(stage=f"{api.parent()}/models/m/stages/staging"))
    assert move.number == 1


def test_the_past_says_when_a_version_was_archived(api: Api, version: catalog.Version) -> None:
    archive(api, version)
    head = api.ledger.GetHead(ledger.GetHeadRequest(parent=api.parent())).size
    restore(api, version)
    model = f"{api.parent()}/models/m"
    for revision, number in ((head - 1, 2), (head, 1), (head + 1, 2)):
        request = pb.ResolveVersionRequest(model=model, selector="latest", at_revision=revision)
        assert api.metadata.ResolveVersion(request).number == number, revision


def test_a_deleted_version_is_neither_archived_nor_restored(api: Api, version: catalog.Version) -> None:
    archive(api, version)
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=version.name))
    for call, request, reason in (
        (api.metadata.ArchiveVersion, pb.ArchiveVersionRequest(name=version.name), "VERSION_NOT_READY"),
        (api.metadata.RestoreVersion, pb.RestoreVersionRequest(name=version.name), "VERSION_NOT_ARCHIVED"),
    ):
        why = refused(call, request)
        assert why[:2] == (StatusCode.FAILED_PRECONDITION, reason)
        assert why.facts["state"] == "DELETED"


def test_a_reason_that_is_too_long_and_a_version_that_is_not_there_are_refused(
    api: Api, version: catalog.Version
) -> None:
    for call, request_of in (
        (api.metadata.ArchiveVersion, pb.ArchiveVersionRequest),
        (api.metadata.RestoreVersion, pb.RestoreVersionRequest),
    ):
        assert refused(call, request_of(name=version.name, reason="x" * 4097)).facts["field"] == "reason"
        assert refused(call, request_of(name=version.name[:-1] + "9")).reason == "VERSION_NOT_FOUND"
        assert refused(call, request_of(name="projects/x")).reason == "INVALID_NAME"
