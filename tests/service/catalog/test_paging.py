"""Paging by key: every list neither skips nor repeats while others insert, and tokens are of one query."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb


def pages(
    call: Callable[[Any], Any], request: Any, field: str, between: Callable[[], object]
) -> list[list[Any]]:
    """All pages of a list; `between` runs after each."""
    found = []
    while True:
        answer = call(request)
        found.append(list(getattr(answer, field)))
        assert len(found[-1]) <= (request.page_size or 100)
        between()
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def names(found: list[list[Any]]) -> list[str]:
    return [one.name.rpartition("/")[2] for page in found for one in page]


def test_models_inserted_meanwhile_neither_skip_nor_repeat_others(api: Api) -> None:
    before = sorted(["a", "B", "b2", "Z", "m.1", "m-1", "m1", "zz", "0"])
    for name in before:
        api.new_model(name)
    new = iter(range(100))

    def insert() -> None:
        api.new_model(f"a{next(new)}x")
        api.new_model(f"zzz{next(new)}")

    found = names(
        pages(
            api.metadata.ListModels, pb.ListModelsRequest(parent=api.parent(), page_size=2), "models", insert
        )
    )
    assert len(found) == len(set(found))
    assert [name for name in found if name in before] == before
    assert found == sorted(found)


def test_versions_inserted_meanwhile_do_not_shift_the_pages(api: Api) -> None:
    model = api.new_model("m")
    version = catalog.Version(digest=api.commit({"f": b"1"}))
    create = pb.CreateVersionRequest(parent=model, version=version)
    for _ in range(7):
        api.metadata.CreateVersion(create)
    request = pb.ListVersionsRequest(parent=model, page_size=3)
    found = pages(api.metadata.ListVersions, request, "versions", lambda: api.metadata.CreateVersion(create))
    assert [[version.number for version in page] for page in found] == [[7, 6, 5], [4, 3, 2], [1]]


def test_a_version_deleted_meanwhile_hides_no_other(api: Api) -> None:
    model = api.new_model("m")
    create = pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=api.commit({"f": b"1"})))
    for _ in range(6):
        api.metadata.CreateVersion(create)
    doomed = iter([6, 4, 99])

    def delete() -> None:
        number = next(doomed)
        if number < 99:
            api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=f"{model}/versions/{number}"))

    found = pages(
        api.metadata.ListVersions, pb.ListVersionsRequest(parent=model, page_size=2), "versions", delete
    )
    assert [version.number for page in found for version in page] == [6, 5, 4, 3, 2, 1]


def test_every_other_list_pages_without_gap_or_repeat(api: Api) -> None:
    model = api.new_model("m")
    version = api.new_version("m").name
    for index in range(5):
        api.metadata.SetAlias(pb.SetAliasRequest(name=f"{model}/aliases/a{index}", number=1))
        metric = catalog.Metric(key="loss", value=index, step=index)
        api.metadata.AddMetrics(pb.AddMetricsRequest(version=version, metrics=[metric]))
        api.new_token("reader", principal=f"p{index}")

    def nothing() -> None: ...

    aliases = pages(
        api.metadata.ListAliases, pb.ListAliasesRequest(parent=model, page_size=2), "aliases", nothing
    )
    assert names(aliases) == ["a0", "a1", "a2", "a3", "a4"]
    metrics = pages(
        api.metadata.ListMetrics, pb.ListMetricsRequest(version=version, page_size=2), "metrics", nothing
    )
    assert [metric.step for page in metrics for metric in page] == [0, 1, 2, 3, 4]
    tokens = pages(
        api.access.ListTokens, access.ListTokensRequest(parent=api.parent(), page_size=2), "tokens", nothing
    )
    assert [token.principal for page in tokens for token in page] == ["p4", "p3", "p2", "p1", "p0"]
    entries = pages(
        api.ledger.ListEntries,
        ledger.ListEntriesRequest(parent=api.parent(), page_size=4),
        "entries",
        nothing,
    )
    assert sum(map(len, entries)) == 1 + 2 + 15


def test_projects_page_in_order_of_their_names(admin: Api) -> None:
    mine = sorted(admin.new_project() for _ in range(5))
    found = names(
        pages(admin.metadata.ListProjects, pb.ListProjectsRequest(page_size=3), "projects", lambda: None)
    )
    assert found == sorted(found)
    assert len(found) == len(set(found))
    assert [name for name in found if name in mine] == mine


def test_a_page_that_is_exactly_full_is_not_followed_by_an_empty_one(api: Api) -> None:
    for name in ("a", "b"):
        api.new_model(name)
    answer = api.metadata.ListModels(pb.ListModelsRequest(parent=api.parent(), page_size=2))
    assert len(answer.models) == 2
    assert answer.next_page_token == ""


@pytest.mark.parametrize("ask", ["ListModels", "SearchModels"])
def test_models_too_large_for_one_page_come_on_several(api: Api, ask: str) -> None:
    tags = {f"key-{number}": "x" * 4_000 for number in range(60)}
    for number in range(30):
        model = catalog.Model(tags=tags if number % 10 else {})
        request = pb.CreateModelRequest(parent=api.parent(), model_id=f"m{number:02}", model=model)
        api.metadata.CreateModel(request)
    request = getattr(pb, f"{ask}Request")(parent=api.parent(), page_size=1000)
    if ask == "SearchModels":
        request.order_by = "name"
    found = pages(getattr(api.metadata, ask), request, "models", lambda: None)
    assert names(found) == [f"m{number:02}" for number in range(30)]
    assert len(found) > 2
    assert all(sum(model.ByteSize() for model in page) <= 2 * 1024 * 1024 for page in found)


def test_the_page_size_may_change_between_pages(api: Api) -> None:
    for name in "abcde":
        api.new_model(name)
    first = api.metadata.ListModels(pb.ListModelsRequest(parent=api.parent(), page_size=1))
    rest = api.metadata.ListModels(
        pb.ListModelsRequest(parent=api.parent(), page_size=1000, page_token=first.next_page_token)
    )
    assert names([list(first.models), list(rest.models)]) == list("abcde")


@pytest.mark.parametrize("size", [-1, 1001, 2**31 - 1, -(2**31)])
def test_a_page_size_out_of_range_is_refused(api: Api, size: int) -> None:
    why = refused(api.metadata.ListModels, pb.ListModelsRequest(parent=api.parent(), page_size=size))
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "page_size"})


def test_a_large_page_is_cut_so_that_default_clients_can_take_it(api: Api) -> None:
    tags = {f"k{index}": "v" * 4_096 for index in range(200)}
    for index in range(4):
        api.metadata.CreateModel(
            pb.CreateModelRequest(parent=api.parent(), model_id=f"m{index}", model=catalog.Model(tags=tags))
        )
    found = pages(api.metadata.ListModels, pb.ListModelsRequest(parent=api.parent()), "models", lambda: None)
    assert names(found) == ["m0", "m1", "m2", "m3"]
    assert len(found) > 1


def test_a_token_of_another_query_or_a_changed_one_is_refused(api: Api) -> None:
    model = api.new_model("m")
    api.new_model("n")
    other = api.new_project()
    token = api.metadata.ListModels(pb.ListModelsRequest(parent=api.parent(), page_size=1)).next_page_token
    payload, _, signature = token.rpartition(".")
    forged = base64.urlsafe_b64encode(b'"z"').rstrip(b"=").decode()
    changed = [
        # Not the last character, of which some bits mean nothing in base64.
        token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        f"{forged}.{signature}",
        payload,
        f"{payload}.",
        f".{signature}",
        token + "x",
        token.swapcase(),
        "garbage",
        "ü.ü",
        "\x00",
        "." * 1000,
        "x" * 100_000,
    ]
    expected = (StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", {"field": "page_token"})
    for bad in changed:
        request = pb.ListModelsRequest(parent=api.parent(), page_token=bad)
        assert refused(api.metadata.ListModels, request) == expected, bad[:50]
    elsewhere = pb.ListModelsRequest(parent=f"projects/{other}", page_token=token)
    assert refused(api.metadata.ListModels, elsewhere) == expected
    otherwise = pb.ListVersionsRequest(parent=model, page_token=token)
    assert refused(api.metadata.ListVersions, otherwise) == expected
    newest = ledger.ListEntriesRequest(parent=api.parent(), newest_first=True, page_size=1)
    newest.page_token = api.ledger.ListEntries(newest).next_page_token
    newest.newest_first = False
    assert refused(api.ledger.ListEntries, newest) == expected
