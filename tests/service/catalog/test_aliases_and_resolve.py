"""Aliases are free pointers; resolving follows a selector of any form to one version."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from harness.api import Api, Refusal, refused, sha256
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2


@pytest.fixture
def model(api: Api) -> str:
    """A model with versions 1, 2 and 3."""
    name = api.new_model("m")
    for _ in range(3):
        api.new_version("m")
    return name


def set_alias(model: str, alias: str, number: int, expected: int | None = None) -> pb.SetAliasRequest:
    return pb.SetAliasRequest(name=f"{model}/aliases/{alias}", number=number, expected_number=expected)


def delete_alias(model: str, alias: str, expected: int | None = None) -> pb.DeleteAliasRequest:
    return pb.DeleteAliasRequest(name=f"{model}/aliases/{alias}", expected_number=expected)


def resolve(api: Api, model: str, selector: str) -> catalog.Version:
    return api.metadata.ResolveVersion(pb.ResolveVersionRequest(model=model, selector=selector))


def unresolved(api: Api, model: str, selector: str) -> Refusal:
    return refused(api.metadata.ResolveVersion, pb.ResolveVersionRequest(model=model, selector=selector))


def test_an_alias_is_set_moved_listed_and_removed(api: Api, model: str) -> None:
    created = api.metadata.SetAlias(set_alias(model, "champion", 1))
    assert (created.name, created.number, created.actor) == (f"{model}/aliases/champion", 1, "admin")
    api.metadata.SetAlias(set_alias(model, "baseline", 1))
    api.metadata.SetAlias(set_alias(model, "champion", 2))
    listed = api.metadata.ListAliases(pb.ListAliasesRequest(parent=model)).aliases
    assert [(alias.name.rpartition("/")[2], alias.number) for alias in listed] == [
        ("baseline", 1),
        ("champion", 2),
    ]
    assert list(resolve(api, model, "2").aliases) == ["champion"]
    assert api.metadata.DeleteAlias(delete_alias(model, "champion")).number == 2
    assert unresolved(api, model, "champion").reason == "ALIAS_NOT_FOUND"
    why = refused(api.metadata.DeleteAlias, delete_alias(model, "champion"))
    assert why == (StatusCode.NOT_FOUND, "ALIAS_NOT_FOUND", {"alias": "champion", "model": model})


def test_no_alias_is_expected_at_a_negative_number(api: Api, model: str) -> None:
    for why in (
        refused(api.metadata.SetAlias, set_alias(model, "a", 1, expected=-1)),
        refused(api.metadata.DeleteAlias, delete_alias(model, "a", expected=-1)),
    ):
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "expected_number"})


def test_an_alias_moves_only_from_where_the_caller_expected_it(api: Api, model: str) -> None:
    assert refused(api.metadata.SetAlias, set_alias(model, "a", 1, expected=2)) == (
        StatusCode.ABORTED,
        "CURRENT_MISMATCH",
        {"pointer": "alias a", "expected": "2", "actual": "0"},
    )
    api.metadata.SetAlias(set_alias(model, "a", 1, expected=0))
    assert refused(api.metadata.SetAlias, set_alias(model, "a", 2, expected=0)).facts["actual"] == "1"
    api.metadata.SetAlias(set_alias(model, "a", 2, expected=1))
    assert (
        refused(api.metadata.DeleteAlias, delete_alias(model, "a", expected=1)).reason == "CURRENT_MISMATCH"
    )
    assert api.metadata.DeleteAlias(delete_alias(model, "a", expected=2)).number == 2


@pytest.mark.parametrize(
    "alias", ["1", "007", "latest", "Latest", "staging", "production", "sha256:" + "a" * 64, "a:b", "a" * 129]
)
def test_an_alias_cannot_look_like_another_selector(api: Api, model: str, alias: str) -> None:
    why = refused(api.metadata.SetAlias, set_alias(model, alias, 1))
    assert why[:2] == (StatusCode.INVALID_ARGUMENT, "INVALID_NAME")
    assert why.facts["field"] == "name"


def test_names_of_aliases_do_not_differ_from_each_other_or_a_stage_by_case_only(api: Api, model: str) -> None:
    api.metadata.SetAlias(set_alias(model, "champion", 1))
    why = refused(api.metadata.SetAlias, set_alias(model, "Champion", 2))
    assert why == (StatusCode.ALREADY_EXISTS, "NAME_TAKEN", {"name": "Champion", "existing": "champion"})
    assert refused(api.metadata.SetAlias, set_alias(model, "Production", 1)).reason == "INVALID_NAME"
    api.metadata.DeleteAlias(delete_alias(model, "champion"))
    assert api.metadata.SetAlias(set_alias(model, "Champion", 2)).number == 2


def test_an_alias_points_only_to_a_version_that_exists(api: Api, model: str) -> None:
    assert refused(api.metadata.SetAlias, set_alias(model, "a", 9)).reason == "VERSION_NOT_FOUND"
    for number in (0, -1):
        why = refused(api.metadata.SetAlias, set_alias(model, "a", number))
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "number"})
    huge = refused(api.metadata.SetAlias, set_alias(model, "a", 2**63 - 1))
    assert huge.reason == "VERSION_NOT_FOUND"


def test_an_alias_goes_with_its_version(api: Api, model: str) -> None:
    api.metadata.SetAlias(set_alias(model, "a", 1))
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=f"{model}/versions/1"))
    assert not api.metadata.ListAliases(pb.ListAliasesRequest(parent=model)).aliases


def test_every_form_of_selector_finds_its_version(api: Api, model: str) -> None:
    digest = api.commit({"f": b"shared"})
    create = pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest))
    numbers = [api.metadata.CreateVersion(create).number for _ in range(2)]
    assert numbers == [4, 5]
    api.metadata.SetAlias(set_alias(model, "champion", 2))
    api.promotion.RequestPromotion(
        promotion_service_pb2.RequestPromotionRequest(version=f"{model}/versions/3", stage="production")
    )
    found = {
        selector: resolve(api, model, selector).number
        for selector in ("1", "champion", "production", "latest", "", digest)
    }
    assert found == {"1": 1, "champion": 2, "production": 3, "latest": 5, "": 5, digest: 5}
    assert list(resolve(api, model, "production").stages) == ["production"]
    # Latest and a digest mean the newest READY version.
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=f"{model}/versions/5"))
    assert (resolve(api, model, "latest").number, resolve(api, model, digest).number) == (4, 4)


def test_a_selector_that_matches_nothing_tells_which_kind_of_thing_is_missing(api: Api, model: str) -> None:
    unknown = sha256(b"unknown")
    assert unresolved(api, model, "9") == (
        StatusCode.NOT_FOUND,
        "VERSION_NOT_FOUND",
        {"version": f"{model}/versions/9"},
    )
    assert unresolved(api, model, unknown)[1:] == ("VERSION_NOT_FOUND", {"version": f"{model}@{unknown}"})
    assert unresolved(api, model, "staging") == (
        StatusCode.NOT_FOUND,
        "STAGE_EMPTY",
        {"stage": "staging", "model": model},
    )
    assert unresolved(api, model, "nobody") == (
        StatusCode.NOT_FOUND,
        "ALIAS_NOT_FOUND",
        {"alias": "nobody", "model": model},
    )
    empty = api.new_model("empty")
    assert unresolved(api, empty, "latest").reason == "VERSION_NOT_FOUND"
    assert unresolved(api, f"{api.parent()}/models/none", "latest").reason == "MODEL_NOT_FOUND"


@pytest.mark.parametrize(
    "selector",
    [
        "churn@",
        "@1",
        "a/b",
        "../x",
        "0",
        "01",
        "1" * 19,
        "-1",
        "sha256:",
        "sha256:AB",
        "a b",
        "a\x00",
        "‮a",
        "x" * 129,
        "%2e%2e",
    ],
)
def test_a_selector_that_cannot_be_read_is_refused(api: Api, model: str, selector: str) -> None:
    why = unresolved(api, model, selector)
    assert why == (
        StatusCode.INVALID_ARGUMENT,
        "INVALID_SELECTOR",
        {"field": "selector", "value": selector},
    )
