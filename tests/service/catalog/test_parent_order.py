"""Versions in the order of their parents, which tells nothing of parents in other projects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.api import Api
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb

A, B, ELSEWHERE = "a", "b", "elsewhere"
PARENTS = [[(B, 2)], [(ELSEWHERE, 2)], [(A, 10)], [(B, 1), (A, 9), (ELSEWHERE, 1)], [(ELSEWHERE, 1)], []]
"""Of the first child, of the second, and so on."""


@pytest.fixture
def family(api: Api) -> Api:
    """Versions of `child` with those parents."""
    models = {name: f"{api.parent()}/models/{name}" for name in (A, B)}
    with Api(api.address, api.token, project=api.new_project()) as other:
        models[ELSEWHERE] = f"{other.parent()}/models/a"
        for owner, name, count in ((api, A, 10), (api, B, 2), (other, A, 2)):
            owner.new_model(name)
            for _ in range(count):
                owner.new_version(name)
    api.new_model("child")
    digest = api.commit({"f": b"child"})
    for parents in PARENTS:
        named = [catalog.Parent(version=f"{models[model]}/versions/{number}") for model, number in parents]
        version = catalog.Version(digest=digest, parents=named)
        api.metadata.CreateVersion(
            pb.CreateVersionRequest(parent=f"{api.parent()}/models/child", version=version)
        )
    return api


def numbers(api: Api, order_by: str, page_size: int) -> Iterator[int]:
    """The numbers of the children in the order asked for."""
    request = pb.SearchVersionsRequest(
        parent=api.parent(), filter="model = child", order_by=order_by, page_size=page_size
    )
    while True:
        answer = api.metadata.SearchVersions(request)
        yield from (version.number for version in answer.versions)
        request.page_token = answer.next_page_token
        if not request.page_token:
            return


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [("parent, create_time", [4, 3, 1, 2, 5, 6]), ("parent desc", [1, 3, 4, 6, 5, 2])],
)
def test_parents_go_by_model_and_number_and_those_of_other_projects_do_not_count(
    family: Api, order_by: str, expected: list[int]
) -> None:
    for page_size in (1, 100):
        assert list(numbers(family, order_by, page_size)) == expected
