"""What a selector meant at a moment of the past, by revision and by time."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import RpcError, StatusCode
from harness.api import Api, Refusal, refusal, refused, sha256
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion


def head(api: Api) -> int:
    return int(api.ledger.GetHead(ledger.GetHeadRequest(parent=api.parent())).size)


def asked(model: str, selector: str, at: int | datetime | Timestamp) -> pb.ResolveVersionRequest:
    if isinstance(at, int):
        return pb.ResolveVersionRequest(model=model, selector=selector, at_revision=at)
    if isinstance(at, datetime):
        stamp = Timestamp()
        stamp.FromDatetime(at)
        at = stamp
    return pb.ResolveVersionRequest(model=model, selector=selector, at_time=at)


def meant(api: Api, model: str, selector: str, at: int | datetime | Timestamp) -> int | str:
    """The number a selector meant, or the reason why it meant none."""
    try:
        return int(api.metadata.ResolveVersion(asked(model, selector, at)).number)
    except RpcError as error:
        return refusal(error).reason


def unresolved(api: Api, model: str, selector: str, at: int | datetime) -> Refusal:
    return refused(api.metadata.ResolveVersion, asked(model, selector, at))


def promote(api: Api, version: str, stage: str) -> int:
    request = promotion.RequestPromotionRequest(version=version, stage=stage)
    return int(api.promotion.RequestPromotion(request).revision)


def time_of(api: Api, revision: int) -> Timestamp:
    request = ledger.GetEntryRequest(parent="projects/-", revision=revision)
    return api.ledger.GetEntry(request).time


def test_a_stage_meant_what_was_current_then(api: Api) -> None:
    model = api.new_model("m")
    before = head(api)
    versions = [api.new_version("m").name for _ in range(2)]
    moves = [promote(api, version, "production") for version in versions]
    api.promotion.Rollback(promotion.RollbackRequest(stage=f"{model}/stages/production"))
    back = head(api)
    assert [meant(api, model, "production", revision) for revision in (*moves, back)] == [1, 2, 1]
    assert meant(api, model, "production", moves[0] - 1) == "STAGE_EMPTY"
    assert meant(api, model, "staging", back) == "STAGE_EMPTY"
    assert meant(api, model, "1", before) == "VERSION_NOT_FOUND"
    # By the times that the history shows.
    assert meant(api, model, "production", time_of(api, moves[0])) == 1
    assert meant(api, model, "production", time_of(api, moves[1])) == 2
    assert meant(api, model, "production", time_of(api, back)) == 1


def test_an_alias_meant_what_it_pointed_to_then(api: Api) -> None:
    model = api.new_model("m")
    for _ in range(2):
        api.new_version("m")

    def point(number: int) -> int:
        api.metadata.SetAlias(pb.SetAliasRequest(name=f"{model}/aliases/champion", number=number))
        return head(api)

    before = head(api)
    first, second = point(1), point(2)
    api.metadata.DeleteAlias(pb.DeleteAliasRequest(name=f"{model}/aliases/champion"))
    removed = head(api)
    again = point(1)
    moments = (before, first, second, removed, again)
    expected = ["ALIAS_NOT_FOUND", 1, 2, "ALIAS_NOT_FOUND", 1]
    assert [meant(api, model, "champion", revision) for revision in moments] == expected
    assert [meant(api, model, "champion", time_of(api, revision)) for revision in moments] == expected
    # It goes with its version, and that is history as well.
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=f"{model}/versions/1"))
    assert meant(api, model, "champion", head(api)) == "ALIAS_NOT_FOUND"
    gone = api.metadata.ResolveVersion(asked(model, "champion", again))
    assert (gone.number, gone.state) == (1, catalog.VERSION_STATE_DELETED)


def test_latest_and_a_digest_meant_the_newest_that_was_ready_then(api: Api) -> None:
    model = api.new_model("m")
    empty = head(api)
    digest = api.commit({"f": b"shared"})
    create = pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest))
    revisions = [api.metadata.CreateVersion(create).create_revision for _ in range(3)]
    for number in (3, 1):
        api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=f"{model}/versions/{number}"))
        revisions.append(head(api))
    for selector in ("latest", digest):
        found = [meant(api, model, selector, revision) for revision in (empty, *revisions)]
        assert found == ["VERSION_NOT_FOUND", 1, 2, 3, 2, 2]
    assert meant(api, model, sha256(b"another"), revisions[-1]) == "VERSION_NOT_FOUND"


def test_what_was_meant_outlives_its_model(api: Api) -> None:
    before = head(api)
    model = api.new_model("m")
    version = api.new_version("m").name
    api.metadata.SetAlias(pb.SetAliasRequest(name=f"{model}/aliases/champion", number=1))
    alive = head(api)
    api.metadata.DeleteModel(pb.DeleteModelRequest(name=model))
    dead = head(api)
    for selector in ("1", "latest", "champion"):
        assert meant(api, model, selector, alive) == 1
    assert [meant(api, model, selector, dead) for selector in ("latest", "champion")] == [
        "VERSION_NOT_FOUND",
        "ALIAS_NOT_FOUND",
    ]
    assert meant(api, model, "latest", before) == "VERSION_NOT_FOUND"
    assert meant(api, f"{api.parent()}/models/never", "latest", alive) == "MODEL_NOT_FOUND"
    assert api.metadata.ResolveVersion(asked(model, "latest", alive)).name == version


def test_the_answer_is_what_is_recorded_of_the_version_now(api: Api) -> None:
    model = api.new_model("m")
    version = api.new_version("m")
    api.metadata.AddMetrics(
        pb.AddMetricsRequest(version=version.name, metrics=[catalog.Metric(key="f1", value=1)])
    )
    found = api.metadata.ResolveVersion(asked(model, "latest", version.create_revision))
    assert found == api.metadata.GetVersion(pb.GetVersionRequest(name=version.name))
    assert found.metrics[0].key == "f1"


def test_a_moment_that_has_not_come_is_refused(api: Api) -> None:
    model = api.new_model("m")
    api.new_version("m")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    why = unresolved(api, model, "latest", tomorrow)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "at_time"})
    for revision in (0, -1, 2**62):
        why = unresolved(api, model, "latest", revision)
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "at_revision"})
    impossible = refused(api.metadata.ResolveVersion, asked(model, "latest", Timestamp(seconds=2**60)))
    assert impossible[1:] == ("INVALID_FIELD", {"field": "at_time"})


def test_before_the_first_entry_there_was_nothing(api: Api) -> None:
    model = api.new_model("m")
    api.new_version("m")
    for selector, reason in (
        ("latest", "VERSION_NOT_FOUND"),
        ("1", "VERSION_NOT_FOUND"),
        ("production", "STAGE_EMPTY"),
        ("nobody", "ALIAS_NOT_FOUND"),
    ):
        assert meant(api, model, selector, datetime(1, 1, 1, tzinfo=UTC)) == reason
        assert meant(api, model, selector, datetime(1999, 1, 1, tzinfo=UTC)) == reason


@pytest.mark.parametrize("seed", range(2))
def test_at_every_revision_every_selector_means_what_it_meant_when_that_revision_was_new(
    api: Api, seed: int
) -> None:
    choose = random.Random(seed)
    model = api.new_model("m")
    digests = [api.commit({"f": bytes([index])}) for index in range(2)]
    selectors = ["latest", "staging", "production", "a", "b", *digests]
    seen: dict[int, list[int | str]] = {}

    def now() -> list[int | str]:
        found: list[int | str] = []
        for selector in selectors:
            try:
                request = pb.ResolveVersionRequest(model=model, selector=selector)
                found.append(int(api.metadata.ResolveVersion(request).number))
            except RpcError as error:
                found.append(refusal(error).reason)
        return found

    def change(newest: int) -> None:
        number = choose.randint(1, max(newest, 1))
        version, alias = f"{model}/versions/{number}", f"{model}/aliases/{choose.choice('ab')}"
        match choose.randrange(6):
            case 0 | 1:
                new = catalog.Version(digest=choose.choice(digests))
                api.metadata.CreateVersion(pb.CreateVersionRequest(parent=model, version=new))
            case 2:
                api.metadata.SetAlias(pb.SetAliasRequest(name=alias, number=number))
            case 3:
                api.metadata.DeleteAlias(pb.DeleteAliasRequest(name=alias))
            case 4:
                promote(api, version, choose.choice(["staging", "production"]))
            case _:
                api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=version))

    for _ in range(40):
        newest = api.metadata.GetModel(pb.GetModelRequest(name=model)).latest_number
        # Some changes make no sense: they are refused and leave no entry.
        with suppress(RpcError):
            change(newest)
        seen[head(api)] = now()
    assert len(seen) > 10
    for revision, expected in seen.items():
        assert [meant(api, model, selector, revision) for selector in selectors] == expected
