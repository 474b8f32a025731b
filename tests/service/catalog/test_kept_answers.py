"""Answers that are kept are the ones a fresh reading gives, after every kind of change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from harness.api import Api
from muniment.v1 import catalog_pb2, metadata_service_pb2

SELECTORS = ("latest", "1", "2", "3", "staging", "production", "a", "b")
NUMBERS = (1, 2, 3)


def fresh(api: Api, name: str) -> catalog_pb2.Version:
    """A version as it stands in the tables: batch reads keep nothing."""
    request = metadata_service_pb2.BatchGetVersionsRequest(parent=api.parent(), names=[name])
    return api.metadata.BatchGetVersions(request).versions[0]


def everything(api: Api, model: str) -> dict[str, bytes | grpc.StatusCode]:
    """What every selector and number of a model means, each held against a fresh reading."""
    answers: dict[str, bytes | grpc.StatusCode] = {}
    calls: dict[str, tuple[Callable[..., Any], Any]] = {}
    for selector in SELECTORS:
        request = metadata_service_pb2.ResolveVersionRequest(model=model, selector=selector)
        calls[selector] = api.metadata.ResolveVersion, request
    for number in NUMBERS:
        name = f"{model}/versions/{number}"
        calls[name] = api.metadata.GetVersion, metadata_service_pb2.GetVersionRequest(name=name)
    for question, (call, request) in calls.items():
        try:
            answer = call(request)
        except grpc.RpcError as error:
            answers[question] = error.code()
            continue
        assert answer == fresh(api, answer.name), question
        if question in ("staging", "production"):
            assert question in answer.stages
        elif question in ("a", "b"):
            assert question in answer.aliases
        answers[question] = answer.SerializeToString(deterministic=True)
    return answers


def test_a_kept_answer_is_the_one_a_fresh_reading_gives_after_every_kind_of_change(
    api: Api, mutations: list[tuple[str, Callable[[Any], Any], Any, dict[str, Any]]]
) -> None:
    model = f"{api.parent()}/models/m"
    seen = []
    for _, change, request, _ in mutations:
        before = everything(api, model)
        assert everything(api, model) == before
        change(request)
        after = everything(api, model)
        assert everything(api, model) == after
        seen.append(after)
    assert any(set(one) == set(seen[0]) and one != seen[0] for one in seen)


def test_a_model_that_was_deleted_is_no_longer_resolved_while_its_tombstones_are_read(api: Api) -> None:
    model = api.new_model("gone")
    version = api.new_version("gone").name
    assert everything(api, model)["1"] == everything(api, model)[version]
    api.metadata.DeleteModel(metadata_service_pb2.DeleteModelRequest(name=model))
    after = everything(api, model)
    assert {after[selector] for selector in SELECTORS} == {grpc.StatusCode.NOT_FOUND}
    assert fresh(api, version).state == catalog_pb2.VERSION_STATE_DELETED
    assert after[version] == fresh(api, version).SerializeToString(deterministic=True)
