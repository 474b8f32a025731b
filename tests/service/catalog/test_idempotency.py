"""A repeated request gets the answer of the first, and nothing happens twice."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from harness.api import Api, refused
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion


def size(api: Api) -> int:
    return api.ledger.GetHead(ledger.GetHeadRequest(parent=api.parent())).size


def test_every_mutation_answers_its_repetition_with_its_first_answer(api: Api) -> None:
    model = f"{api.parent()}/models/m"
    version = f"{model}/versions/1"
    record = catalog.Version(digest=api.commit({"f": b"1"}))
    metrics = [catalog.Metric(key="f1", value=1)]
    mask = FieldMask(paths=["description"])
    steps = [
        (api.metadata.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id="m")),
        (api.metadata.UpdateModel, pb.UpdateModelRequest(name=model, update_mask=mask)),
        (api.metadata.CreateVersion, pb.CreateVersionRequest(parent=model, version=record)),
        (api.metadata.CreateVersion, pb.CreateVersionRequest(parent=model, version=record)),
        (api.metadata.UpdateVersion, pb.UpdateVersionRequest(name=version, update_mask=mask)),
        (api.metadata.AddMetrics, pb.AddMetricsRequest(version=version, metrics=metrics)),
        (api.metadata.SetAlias, pb.SetAliasRequest(name=f"{model}/aliases/a", number=1, expected_number=0)),
        (api.metadata.DeleteAlias, pb.DeleteAliasRequest(name=f"{model}/aliases/a")),
        (api.promotion.RequestPromotion, promotion.RequestPromotionRequest(version=version, stage="staging")),
        (
            api.promotion.RequestPromotion,
            promotion.RequestPromotionRequest(
                version=f"{model}/versions/2", stage="staging", expected_current=1
            ),
        ),
        (api.promotion.Rollback, promotion.RollbackRequest(stage=f"{model}/stages/staging")),
        (
            api.promotion.ReportDeployment,
            promotion.ReportDeploymentRequest(
                parent=api.parent(),
                deployment=promotion.Deployment(
                    target="t",
                    model=model,
                    stage="staging",
                    number=1,
                    state=promotion.DEPLOYMENT_STATE_RUNNING,
                ),
            ),
        ),
        (api.metadata.ArchiveVersion, pb.ArchiveVersionRequest(name=f"{model}/versions/2", reason="old")),
        (api.metadata.RestoreVersion, pb.RestoreVersionRequest(name=f"{model}/versions/2")),
        (api.metadata.DeleteVersion, pb.DeleteVersionRequest(name=f"{model}/versions/2")),
    ]
    answers = []
    for call, request in steps:
        request.request_id = str(uuid.uuid4())
        before = size(api)
        answers.append(call(request))
        assert call(request) == answers[-1], request
        assert size(api) == before + 1, request
    # Also much later, when the world has moved on.
    before = size(api)
    for (call, request), answer in zip(steps, answers, strict=True):
        assert call(request) == answer, request
    assert size(api) == before


def test_an_id_used_for_another_request_or_method_is_refused(api: Api) -> None:
    request_id = str(uuid.uuid4())
    request = pb.CreateModelRequest(parent=api.parent(), model_id="m", request_id=request_id)
    api.metadata.CreateModel(request)
    before = size(api)
    expected = (
        StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
        {"field": "request_id", "request_id": request_id},
    )
    request.model_id = "n"
    assert refused(api.metadata.CreateModel, request) == expected
    other = pb.DeleteModelRequest(name=f"{api.parent()}/models/m", request_id=request_id)
    assert refused(api.metadata.DeleteModel, other) == expected
    move = promotion.RequestPromotionRequest(
        version=f"{api.parent()}/models/m/versions/1", stage="staging", request_id=request_id
    )
    assert refused(api.promotion.RequestPromotion, move) == expected
    assert size(api) == before


def test_a_refused_request_may_be_repeated_with_its_id_once_it_can_succeed(api: Api) -> None:
    version = catalog.Version(digest=api.commit({"f": b"1"}))
    request = pb.CreateVersionRequest(parent=f"{api.parent()}/models/m", version=version, request_id="again")
    assert refused(api.metadata.CreateVersion, request).reason == "MODEL_NOT_FOUND"
    api.new_model("m")
    assert api.metadata.CreateVersion(request).number == 1
    assert api.metadata.CreateVersion(request).number == 1


def test_ids_are_of_one_caller(api: Api) -> None:
    model = api.new_model("m")
    request = pb.CreateVersionRequest(
        parent=model, version=catalog.Version(digest=api.commit({"f": b"1"})), request_id=str(uuid.uuid4())
    )
    assert api.metadata.CreateVersion(request).number == 1
    one, same, other = (api.new_token("writer", principal=name) for name in ("ann", "ann", "ben"))
    numbers = []
    for token in (one, same, other):
        with api.as_caller(token) as caller:
            numbers.append(caller.metadata.CreateVersion(request).number)
    # Two tokens of one principal are one caller.
    assert numbers == [2, 2, 3]


def test_without_an_id_a_repetition_is_another_request(api: Api) -> None:
    model = api.new_model("m")
    request = pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=api.commit({"f": b"1"})))
    assert [api.metadata.CreateVersion(request).number for _ in range(2)] == [1, 2]


def test_duplicates_sent_at_once_happen_once(api: Api) -> None:
    model = api.new_model("m")
    version = catalog.Version(digest=api.commit({"f": b"1"}))
    before, callers = size(api), 8
    barrier = Barrier(callers)

    def send(_caller: int) -> list[catalog.Version]:
        answers = []
        for turn in range(5):
            barrier.wait()
            request = pb.CreateVersionRequest(
                parent=model, version=version, request_id=f"{api.project}-{turn}"
            )
            answers.append(api.metadata.CreateVersion(request))
        return answers

    with ThreadPoolExecutor(callers) as pool:
        everyone = list(pool.map(send, range(callers)))
    assert all(answers == everyone[0] for answers in everyone)
    assert [answer.number for answer in everyone[0]] == [1, 2, 3, 4, 5]
    assert size(api) == before + 5


def test_a_repeated_create_token_answers_without_the_secret(api: Api) -> None:
    request = access.CreateTokenRequest(
        parent=api.parent(), principal="ann", roles=[access.ROLE_READER], request_id=str(uuid.uuid4())
    )
    first = api.access.CreateToken(request)
    assert first.secret.startswith("mun_")
    again = api.access.CreateToken(request)
    assert again.secret == ""
    first.secret = ""
    assert again == first
    assert len(api.access.ListTokens(access.ListTokensRequest(parent=api.parent())).tokens) == 1
