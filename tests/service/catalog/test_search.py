"""Search as a caller meets it: what is found, in which order, page by page, and what is refused."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion

FILTER = {"field": "filter"}


def found(api: Api, where: str = "", order_by: str = "", **fields: Any) -> list[str]:
    """The versions that are found, as `model@number`."""
    request = pb.SearchVersionsRequest(parent=api.parent(), filter=where, order_by=order_by, **fields)
    return [short(version) for version in api.metadata.SearchVersions(request).versions]


def found_models(api: Api, where: str = "", order_by: str = "", **fields: Any) -> list[str]:
    request = pb.SearchModelsRequest(parent=api.parent(), filter=where, order_by=order_by, **fields)
    return [model.name.rpartition("/")[2] for model in api.metadata.SearchModels(request).models]


def short(version: catalog.Version) -> str:
    _, _, _, model, _, number = version.name.split("/")
    return f"{model}@{number}"


def create(api: Api, model: str, **record: Any) -> catalog.Version:
    """Registers a version; `metrics` by key, `params` and `tags` as mappings."""
    metrics = [catalog.Metric(key=key, value=value) for key, value in record.pop("metrics", {}).items()]
    version = catalog.Version(digest=api.commit({"f": model.encode()}), metrics=metrics, **record)
    return api.metadata.CreateVersion(
        pb.CreateVersionRequest(parent=f"{api.parent()}/models/{model}", version=version)
    )


@pytest.fixture(scope="module")
def zoo(admin: Api) -> Iterator[Api]:
    """A project of two models with five versions, which no test changes."""
    with Api(admin.address, admin.token, project=admin.new_project()) as api:
        fill(api)
        yield api


def fill(api: Api) -> None:
    api.new_model("churn")
    api.new_model("fraud")
    create(
        api,
        "churn",
        metrics={"f1": 0.8, "val/f1": 0.7},
        tags={"team": "risk"},
        params={"depth": catalog.ParamValue(number=3), "solver": catalog.ParamValue(text="lbfgs")},
        datasets=[catalog.Dataset(name="customers", version="1", digest="sha256:" + "a" * 64)],
    )
    create(
        api,
        "churn",
        metrics={"f1": 0.92},
        tags={"team": "risk", "tier.one": ""},
        params={"depth": catalog.ParamValue(number=10)},
        parents=[
            catalog.Parent(
                version=f"{api.parent()}/models/churn/versions/1",
                relation=catalog.PARENT_RELATION_FINETUNED,
            )
        ],
        code=catalog.Code(repository="git@example.test:churn.git", commit="c0ffee"),
        run=catalog.Run(id="run-17"),
    )
    create(api, "fraud", metrics={"f1": math.nan}, tags={"team": "ads"}, description="first of its kind")
    create(api, "fraud", metrics={"f1": math.inf}, params={"depth": catalog.ParamValue(text="3")})
    create(api, "fraud")
    metric = catalog.Metric(key="f1", value=0.6)
    api.metadata.AddMetrics(
        pb.AddMetricsRequest(version=f"{api.parent()}/models/churn/versions/2", metrics=[metric])
    )
    api.metadata.SetAlias(pb.SetAliasRequest(name=f"{api.parent()}/models/churn/aliases/champion", number=2))
    api.promotion.RequestPromotion(
        promotion.RequestPromotionRequest(
            version=f"{api.parent()}/models/churn/versions/1", stage="production"
        )
    )
    model = catalog.Model(tags={"owner": "ann"})
    update = pb.UpdateModelRequest(name=f"{api.parent()}/models/fraud", model=model)
    update.update_mask.paths.append("tags")
    api.metadata.UpdateModel(update)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", "fraud@3 fraud@2 fraud@1 churn@2 churn@1"),
        ("model = churn", "churn@2 churn@1"),
        ("number = 2", "fraud@2 churn@2"),
        ("stage = production", "churn@1"),
        ("NOT stage = production", "fraud@3 fraud@2 fraud@1 churn@2"),
        ("stage != production", ""),
        ("alias:champ", "churn@2"),
        ("metrics.f1 > 0.7", "fraud@2 churn@1"),
        ("metrics.f1.best > 0.7", "fraud@2 churn@2 churn@1"),
        ("metrics.f1.best < 0.7", "churn@2"),
        ("metrics.f1.min <= 0.6 metrics.f1.max >= 0.92", "churn@2"),
        ("metrics.f1 = inf", "fraud@2"),
        ("metrics.f1:*", "fraud@2 fraud@1 churn@2 churn@1"),
        ("metrics.f1 != 0.8", "fraud@2 churn@2"),
        ('metrics."val/f1" = 0.7', "churn@1"),
        ("metrics.val/f1 = 0.7", "churn@1"),
        ("tags.team = risk", "churn@2 churn@1"),
        ("tags.team = RISK", ""),
        ("tags.team:is", "churn@2 churn@1"),
        ("tags.team > b", "churn@2 churn@1"),
        ("-tags.team:*", "fraud@3 fraud@2"),
        ("tags:tier.one", "churn@2"),
        ('tags.tier.one = ""', "churn@2"),
        ("params.depth = 3", "churn@1"),
        ('params.depth = "3"', "fraud@2"),
        ("params.depth > 3", "churn@2"),
        ("params.solver:bfg", "churn@1"),
        ("dataset.name = customers dataset.version = 1", "churn@1"),
        (f"dataset.digest = sha256:{'a' * 64}", "churn@1"),
        ("parent = churn@1", "churn@2"),
        ("parent = churn@production", "churn@2"),
        ("parent = churn@2", ""),
        ("parent = nothing@1", ""),
        ("parent:*", "churn@2"),
        ("parent.relation = finetuned", "churn@2"),
        ("code.commit = c0ffee", "churn@2"),
        ("code.repository:example.test", "churn@2"),
        ('run.id = "run-17"', "churn@2"),
        ("author = admin AND state = READY", "fraud@3 fraud@2 fraud@1 churn@2 churn@1"),
        ("create_time > 2020-01-01 update_time < 2100-01-01T00:00:00Z number > 2", "fraud@3"),
        ("size_bytes > 0 number > 2", "fraud@3"),
        ("kind", "fraud@1"),
        ("ur", "churn@2 churn@1"),
        ("model = churn OR model = fraud AND number = 1", "fraud@1 churn@1"),
        ("(model = churn AND number = 2) OR number = 3", "fraud@3 churn@2"),
    ],
)
def test_a_filter_finds_what_it_says(zoo: Api, where: str, expected: str) -> None:
    assert found(zoo, where) == expected.split()


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("metrics.f1 desc", "churn@1 churn@2 fraud@3 fraud@2 fraud@1"),
        ("metrics.f1", "churn@2 churn@1 fraud@1 fraud@2 fraud@3"),
        ("metrics.f1.best desc", "churn@2 churn@1 fraud@3 fraud@2 fraud@1"),
        ("model, number desc", "churn@2 churn@1 fraud@3 fraud@2 fraud@1"),
        ("tags.team desc, create_time", "churn@1 churn@2 fraud@1 fraud@2 fraud@3"),
        ("params.depth", "churn@1 churn@2 fraud@2 fraud@1 fraud@3"),
        ("create_time", "churn@1 churn@2 fraud@1 fraud@2 fraud@3"),
        ("parent, create_time", "churn@2 churn@1 fraud@1 fraud@2 fraud@3"),
        ("parent desc", "churn@2 fraud@3 fraud@2 fraud@1 churn@1"),
    ],
)
def test_an_order_puts_what_is_not_there_last(zoo: Api, order_by: str, expected: str) -> None:
    assert found(zoo, "", order_by) == expected.split()
    by_one = found_in_pages(zoo, "", order_by, size=2)
    assert by_one == expected.split()


def test_numbers_that_are_none_never_break_json(zoo: Api) -> None:
    answer = zoo.metadata.SearchVersions(pb.SearchVersionsRequest(parent=zoo.parent(), filter="metrics.f1:*"))
    read = json.loads(json_format.MessageToJson(answer))
    values = {version["metrics"][0]["value"] for version in read["versions"] if len(version["metrics"]) == 1}
    assert values == {"NaN", "Infinity", 0.6}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", "fraud churn"),
        ("stage = production", "churn"),
        ("name = fraud OR latest_number < 3", "fraud churn"),
        ("tags.owner = ann", "fraud"),
        ("creator = admin state = ACTIVE -fraud", "churn"),
        ("-tags.owner:* -stage:*", ""),
    ],
)
def test_models_are_found_too(zoo: Api, where: str, expected: str) -> None:
    assert found_models(zoo, where) == expected.split()
    assert sorted(found_models(zoo, where, "name desc")) == sorted(expected.split())


def test_tombstones_are_found_only_when_asked_for(api: Api) -> None:
    api.new_model("fraud")
    for _ in range(3):
        create(api, "fraud")
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=f"{api.parent()}/models/fraud/versions/3"))
    assert found(api, "model = fraud") == ["fraud@2", "fraud@1"]
    assert found(api, "state = DELETED") == []
    assert found(api, "state = DELETED", show_deleted=True) == ["fraud@3"]
    api.new_model("gone")
    api.metadata.DeleteModel(pb.DeleteModelRequest(name=f"{api.parent()}/models/gone"))
    assert found_models(api) == ["fraud"]
    assert found_models(api, "state = DELETED", show_deleted=True) == ["gone"]


def test_other_projects_are_neither_searched_nor_given_away(zoo: Api) -> None:
    with Api(zoo.address, zoo.token, project=zoo.new_project()) as other:
        assert found(other) == []
        other.new_model("child")
        create(other, "child", parents=[catalog.Parent(version=f"{zoo.parent()}/models/churn/versions/1")])
        where = f"parent = {zoo.project}/churn@production"
        assert found(other, where) == ["child@1"]
        with other.as_caller(other.new_token("reader")) as stranger:
            # Who is not let into the other project does not learn what its stage points to.
            assert found(stranger, where) == []


@pytest.mark.parametrize(
    ("where", "position", "says"),
    [
        ("metrics.f1 >", 13, "value"),
        ("(model = a", 11, "closing parenthesis"),
        ("model = a)", 10, "AND, OR"),
        ('model = "a', 9, "never closed"),
        ("model == a", 8, "single ="),
        ("model = a and number = 1", 11, "capitals"),
        ("metric.f1 > 0.9", 1, "metrics"),
        ("model = a AND colour = red", 15, "size_bytes"),
        ("modle = a", 1, "'model'"),
        ("number = many", 10, "whole number"),
        ("metrics.f1 > high", 14, "not a number"),
        ("metrics.f1 = nan", 14, "NaN"),
        ("tags.size > 10", 13, "quotes"),
        ("create_time > yesterday", 15, "2026-11-23"),
        ("state = READ", 9, "READY, ARCHIVED, DELETED"),
        ("metrics.f1.best = 1", 12, ".max or .min"),
        ("metrics.val.f1 > 1", 13, 'metrics."val.f1"'),
        ("(" * 1000 + "model = a" + ")" * 1000, 968, "nested"),
        (" OR ".join(["number = 1"] * 65), 897, "64"),
        ("model = a\0", 0, ""),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_with_the_position(
    api: Api, where: str, position: int, says: str
) -> None:
    request = pb.SearchVersionsRequest(parent=api.parent(), filter=where)
    why = refused(api.metadata.SearchVersions, request)
    if position:
        expected = {**FILTER, "position": str(position)}
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FILTER", expected)
        with pytest.raises(Exception, match="position") as caught:
            api.metadata.SearchVersions(request)
        assert says in caught.value.details()
    else:
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", FILTER)


@pytest.mark.parametrize(
    ("order_by", "position"),
    [
        ("metric.f1", 1),
        ("number, number desc", 9),
        ("number up", 8),
        ("number,", 8),
        ("parents", 1),
        (",", 1),
    ],
)
def test_an_order_that_cannot_be_read_is_refused_with_the_position(
    api: Api, order_by: str, position: int
) -> None:
    request = pb.SearchVersionsRequest(parent=api.parent(), order_by=order_by)
    expected = {"field": "order_by", "position": str(position)}
    why = refused(api.metadata.SearchVersions, request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FILTER", expected)


def test_a_filter_of_ten_thousand_characters_is_refused(api: Api) -> None:
    for call, message in (
        (api.metadata.SearchVersions, pb.SearchVersionsRequest),
        (api.metadata.SearchModels, pb.SearchModelsRequest),
    ):
        for field, limit in (("filter", 4096), ("order_by", 2048)):
            request = message(parent=api.parent(), **{field: "x" * 10_000})
            facts = {"field": field, "limit": str(limit), "value": "10000"}
            assert refused(call, request) == (StatusCode.INVALID_ARGUMENT, "LIMIT_EXCEEDED", facts)


@pytest.mark.parametrize(
    "value",
    [
        "'; DROP TABLE versions; --",
        "x' OR '1'='1",
        '") OR 1=1 --',
        "%",
        "_",
        "\\",
        "${x}",
        "%(x)s",
        ":value",
        "?",
    ],
)
def test_sql_in_a_value_is_a_value(api: Api, value: str) -> None:
    api.new_model("m")
    create(api, "m", tags={"k": value})
    create(api, "m", tags={"k": "harmless"})
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert found(api, f"tags.k = {quoted}") == ["m@1"]
    assert found(api, f"tags.k: {quoted}") == ["m@1"]
    assert found(api, f"metrics.{quoted} > 1") == []
    assert found(api, "", f"metrics.{quoted} desc") == ["m@2", "m@1"]
    assert found(api, f"model = {quoted}") == []


def test_a_token_of_another_query_or_a_changed_one_is_refused(zoo: Api) -> None:
    def request(**fields: Any) -> pb.SearchVersionsRequest:
        return pb.SearchVersionsRequest(
            parent=zoo.parent(), **{"filter": "number < 9", "page_size": 1, **fields}
        )

    token = zoo.metadata.SearchVersions(request()).next_page_token
    assert zoo.metadata.SearchVersions(request(page_token=token)).versions
    expected = (StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", {"field": "page_token"})
    for changed in (
        request(filter="number < 8", page_token=token),
        request(order_by="number", page_token=token),
        request(show_deleted=True, page_token=token),
        request(page_token=token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]),
        request(page_token="x"),
    ):
        assert refused(zoo.metadata.SearchVersions, changed) == expected
    models = pb.SearchModelsRequest(parent=zoo.parent(), filter="number < 9", page_token=token)
    assert refused(zoo.metadata.SearchModels, models).code is StatusCode.INVALID_ARGUMENT
    models.filter = ""
    assert refused(zoo.metadata.SearchModels, models) == expected


def pages(api: Api, where: str, order_by: str, size: int) -> Iterator[list[str]]:
    request = pb.SearchVersionsRequest(parent=api.parent(), filter=where, order_by=order_by, page_size=size)
    while True:
        answer = api.metadata.SearchVersions(request)
        yield [short(version) for version in answer.versions]
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def found_in_pages(api: Api, where: str, order_by: str, size: int) -> list[str]:
    return [name for page in pages(api, where, order_by, size) for name in page]


@pytest.mark.parametrize("order_by", ["", "metrics.f1 desc", "metrics.f1, create_time desc", "tags.team"])
def test_pages_neither_skip_nor_repeat_while_others_insert(api: Api, order_by: str) -> None:
    api.new_model("m")
    before = [
        short(create(api, "m", metrics={"f1": (index * 7 % 12) / 12} if index % 4 else {}, tags=tags))
        for index, tags in enumerate([{"team": "b"}, {"team": "c"}, {}] * 4)
    ]
    stop = threading.Event()
    inserted: list[str] = []

    def insert() -> None:
        index = 0
        while not stop.is_set():
            index += 1
            version = create(
                api, "m", metrics={"f1": (index * 5 % 11) / 11}, tags={"team": "abcd"[index % 4]}
            )
            inserted.append(short(version))

    inserter = threading.Thread(target=insert)
    inserter.start()
    try:
        found: list[str] = []
        for page in pages(api, "", order_by, 2):
            found += page
            # The page was read; go on when something was inserted since.
            known = len(inserted)
            while inserter.is_alive() and len(inserted) == known and len(found) < 12:
                stop.wait(0.001)
            if len(found) > 12:
                stop.set()
    finally:
        stop.set()
        inserter.join()
    assert len(found) == len(set(found))
    assert set(before) <= set(found)
    assert inserted
