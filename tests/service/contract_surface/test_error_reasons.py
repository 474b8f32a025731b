"""Every reason that the contract documents is provoked end to end, or listed here with why it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode
from harness.api import Api, Refusal, refused, refused_status, sha256
from harness.server import ServerProcess
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import artifact_service_pb2 as artifact
from muniment.v1 import catalog_pb2, errors_pb2
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion
from muniment.v1.prediction_pb2 import Prediction
from samples.signatures import Signer

EMPTY = sha256(b"")
UNKNOWN = sha256(b"unknown")


def model(api: Api, model_id: str) -> pb.CreateModelRequest:
    return pb.CreateModelRequest(parent=api.parent(), model_id=model_id)


def put(api: Api, **frame: Any) -> Refusal:
    request = artifact.PutChunksRequest(parent=api.parent(), **frame)
    return refused(api.artifact.PutChunks, iter([request]))


def commit(api: Api, **file: Any) -> Refusal:
    entry = artifact.FileEntry(**file)
    return refused(
        api.artifact.CommitUpload, artifact.CommitUploadRequest(parent=api.parent(), files=[entry])
    )


def promote(
    api: Api, version: str, stage: str = "staging", **fields: Any
) -> promotion.RequestPromotionRequest:
    return promotion.RequestPromotionRequest(version=version, stage=stage, **fields)


def roll_back(api: Api) -> promotion.RollbackRequest:
    return promotion.RollbackRequest(stage=f"{api.parent()}/models/m/stages/staging")


def resolve(api: Api, selector: str) -> Refusal:
    name = f"{api.parent()}/models/m"
    return refused(api.metadata.ResolveVersion, pb.ResolveVersionRequest(model=name, selector=selector))


def version(api: Api) -> str:
    api.new_model("m")
    return api.new_version("m").name


def sequence_broken(api: Api) -> Refusal:
    made = Prediction(
        id="p",
        version=f"{api.parent()}/models/m/versions/1",
        input_digest=bytes(32),
        output_digest=bytes(32),
    )
    made.time.GetCurrentTime()
    request = ledger.RecordPredictionsRequest(
        parent=api.parent(), sender="s", sequence=2, predictions=[made.SerializeToString()]
    )
    return refused(api.ledger.RecordPredictions, iter([request]))


def etag_mismatch(api: Api) -> Refusal:
    name = api.new_model("m")
    return refused(api.metadata.DeleteModel, pb.DeleteModelRequest(name=name, etag="r0"))


def after(arrange: Callable[[Api], object], act: Callable[[Api], Refusal]) -> Callable[[Api], Refusal]:
    def both(api: Api) -> Refusal:
        arrange(api)
        return act(api)

    return both


def request_id_reused(api: Api) -> Refusal:
    request = model(api, "m")
    request.request_id = "once"
    api.metadata.CreateModel(request)
    request.model_id = "n"
    return refused(api.metadata.CreateModel, request)


def current(api: Api) -> str:
    name = version(api)
    api.promotion.RequestPromotion(promote(api, name))
    return name


def already_current(api: Api) -> Refusal:
    return refused(api.promotion.RequestPromotion, promote(api, current(api)))


def current_mismatch(api: Api) -> Refusal:
    request = promote(api, version(api), expected_current=7)
    return refused(api.promotion.RequestPromotion, request)


def not_ready(api: Api) -> Refusal:
    name = version(api)
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=name))
    return refused(api.promotion.RequestPromotion, promote(api, name))


def in_use(api: Api) -> Refusal:
    return refused(api.metadata.DeleteVersion, pb.DeleteVersionRequest(name=current(api)))


def file_not_found(api: Api) -> Refusal:
    request = artifact.ReadRangesRequest(
        parent=api.parent(), digest=api.commit({"f": b"1"}), ranges=[artifact.ByteRange(path="g")]
    )
    return refused(api.artifact.ReadRanges, request)


SIGNER = Signer()


def signed_wrongly(api: Api, bundle: bytes) -> Refusal:
    request = pb.CreateVersionRequest(
        parent=api.new_model("m"),
        version=catalog_pb2.Version(
            digest=api.commit({"f": b"1"}), signature={"public_key": SIGNER.public_key}
        ),
        signature_bundle=bundle,
    )
    return refused(api.metadata.CreateVersion, request)


def tensor(api: Api, content: bytes) -> Refusal:
    wanted = artifact.ByteRange(path="f", tensor="w")
    request = artifact.ReadRangesRequest(
        parent=api.parent(), digest=api.commit({"f": content}), ranges=[wanted]
    )
    return refused(api.artifact.ReadRanges, request)


def permission_denied(api: Api) -> Refusal:
    with api.as_caller(api.new_token("reader")) as reader:
        return refused(reader.metadata.CreateModel, model(api, "m"))


def with_token(api: Api, token: str | None) -> Refusal:
    with api.as_caller(token) as caller:
        return refused(caller.access.WhoAmI, access.WhoAmIRequest())


PROVOKED: dict[str, tuple[StatusCode, Callable[[Api], Refusal]]] = {
    "INVALID_NAME": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: refused(api.metadata.CreateModel, model(api, "../x")),
    ),
    "INVALID_SELECTOR": (StatusCode.INVALID_ARGUMENT, lambda api: resolve(api, "churn@")),
    "INVALID_FIELD": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: refused(api.metadata.ListModels, pb.ListModelsRequest(parent=api.parent(), page_size=-1)),
    ),
    "INVALID_PAGE_TOKEN": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: refused(
            api.metadata.ListModels, pb.ListModelsRequest(parent=api.parent(), page_token="x")
        ),
    ),
    "INVALID_FILTER": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: refused(
            api.metadata.SearchVersions,
            pb.SearchVersionsRequest(parent=api.parent(), filter="metric.f1 > 0.9"),
        ),
    ),
    "INVALID_PATH": (StatusCode.INVALID_ARGUMENT, lambda api: commit(api, path="../x", digest=EMPTY)),
    "LIMIT_EXCEEDED": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: refused(
            api.metadata.BatchGetVersions, pb.BatchGetVersionsRequest(parent=api.parent(), names=["x"] * 1001)
        ),
    ),
    "PROJECT_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(api.metadata.GetProject, pb.GetProjectRequest(name="projects/nowhere")),
    ),
    "MODEL_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(api.metadata.GetModel, pb.GetModelRequest(name=f"{api.parent()}/models/m")),
    ),
    "VERSION_NOT_FOUND": (StatusCode.NOT_FOUND, after(version, lambda api: resolve(api, "9"))),
    "ALIAS_NOT_FOUND": (StatusCode.NOT_FOUND, after(version, lambda api: resolve(api, "nobody"))),
    "STAGE_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(api.promotion.RequestPromotion, promote(api, version(api), "prod")),
    ),
    "STAGE_EMPTY": (StatusCode.NOT_FOUND, after(version, lambda api: resolve(api, "production"))),
    "MANIFEST_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(
            api.artifact.GetManifest, artifact.GetManifestRequest(parent=api.parent(), digest=UNKNOWN)
        ),
    ),
    "FILE_NOT_FOUND": (StatusCode.NOT_FOUND, file_not_found),
    "TENSOR_NOT_FOUND": (StatusCode.NOT_FOUND, lambda api: tensor(api, (2).to_bytes(8, "little") + b"{}")),
    "HEADER_INVALID": (StatusCode.FAILED_PRECONDITION, lambda api: tensor(api, b"\xff" * 10)),
    "PROMOTION_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        after(
            version,
            lambda api: refused(
                api.promotion.GetPromotion,
                promotion.GetPromotionRequest(name=f"{api.parent()}/models/m/promotions/1"),
            ),
        ),
    ),
    "ENTRY_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(api.ledger.GetEntry, ledger.GetEntryRequest(parent=api.parent(), revision=1)),
    ),
    "TOKEN_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(
            api.access.RevokeToken, access.RevokeTokenRequest(name=f"{api.parent()}/tokens/1")
        ),
    ),
    "PREDICTION_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(
            api.ledger.TracePrediction,
            ledger.TracePredictionRequest(parent=api.parent(), prediction_id="nobody's"),
        ),
    ),
    "SEQUENCE_BROKEN": (StatusCode.ABORTED, after(version, sequence_broken)),
    "NAME_TAKEN": (
        StatusCode.ALREADY_EXISTS,
        after(lambda api: api.new_model("m"), lambda api: refused(api.metadata.CreateModel, model(api, "M"))),
    ),
    "REQUEST_ID_REUSED": (StatusCode.ALREADY_EXISTS, request_id_reused),
    "ETAG_MISMATCH": (StatusCode.ABORTED, etag_mismatch),
    "CURRENT_MISMATCH": (StatusCode.ABORTED, current_mismatch),
    "ALREADY_CURRENT": (StatusCode.FAILED_PRECONDITION, already_current),
    "NO_PREVIOUS_VERSION": (
        StatusCode.FAILED_PRECONDITION,
        after(current, lambda api: refused(api.promotion.Rollback, roll_back(api))),
    ),
    "VERSION_NOT_READY": (StatusCode.FAILED_PRECONDITION, not_ready),
    "VERSION_NOT_ARCHIVED": (
        StatusCode.FAILED_PRECONDITION,
        lambda api: refused(api.metadata.RestoreVersion, pb.RestoreVersionRequest(name=version(api))),
    ),
    "IN_USE": (StatusCode.FAILED_PRECONDITION, in_use),
    "DIGEST_MISMATCH": (StatusCode.INVALID_ARGUMENT, lambda api: put(api, digest=UNKNOWN, size=1, data=b"1")),
    "SIZE_MISMATCH": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: commit(
            api, path="f", digest=UNKNOWN, size=9, chunks=[artifact.Chunk(digest=UNKNOWN, size=1)]
        ),
    ),
    "SIGNATURE_INVALID": (StatusCode.INVALID_ARGUMENT, lambda api: signed_wrongly(api, b"{}")),
    "SIGNATURE_MISMATCH": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: signed_wrongly(api, SIGNER.sign({"f": UNKNOWN})),
    ),
    "SIGNATURE_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        lambda api: refused(
            api.metadata.GetVersionSignature, pb.GetVersionSignatureRequest(name=version(api))
        ),
    ),
    "CHUNK_MISSING": (
        StatusCode.FAILED_PRECONDITION,
        lambda api: commit(
            api, path="f", digest=UNKNOWN, size=1, chunks=[artifact.Chunk(digest=UNKNOWN, size=1)]
        ),
    ),
    "FRAME_OUT_OF_ORDER": (
        StatusCode.INVALID_ARGUMENT,
        lambda api: put(api, digest=UNKNOWN, size=9, offset=1, data=b"1"),
    ),
    "TOKEN_MISSING": (StatusCode.UNAUTHENTICATED, lambda api: with_token(api, None)),
    "TOKEN_INVALID": (StatusCode.UNAUTHENTICATED, lambda api: with_token(api, "mun_x")),
    "PERMISSION_DENIED": (StatusCode.PERMISSION_DENIED, permission_denied),
}

PROVOKED_BY_FAULTS = {
    "BYTES_DAMAGED",
    "CHECKPOINT_PENDING",
    "DATABASE_UNAVAILABLE",
    "INTERNAL",
    "LEDGER_DAMAGED",
    "LEDGER_RECOVERY",
    "PEER_UNAVAILABLE",
    "SHUTTING_DOWN",
    "STORAGE_UNAVAILABLE",
}
"""What a server sends only when something around it breaks: `test_faults.py`, `tests/faults` break it."""

NOT_PROVOKED = {
    "BYTES_ARCHIVED": "needs a collection, which tests of the artifact service and of the SDK run",
    "TRANSFERS_BUSY": "needs dozens of streams held open; tests of the artifact service hold one of one",
    "PREDICTION_EXPIRED": "needs retention, which tests of predictions run",
    "QUERY_TOO_LONG": "needs a question of a minute; the store contract asks one with a shorter limit",
    "STORAGE_FULL": "needs a full disk, which takes root to make; the blob store contract raises it from ENOSPC",
}


def test_every_reason_of_the_contract_is_accounted_for() -> None:
    values = errors_pb2.ErrorReason.DESCRIPTOR.values_by_name
    reasons = {name.removeprefix("ERROR_REASON_") for name in values} - {"UNSPECIFIED"}
    accounted = [*PROVOKED, *PROVOKED_BY_FAULTS, *NOT_PROVOKED]
    assert sorted(accounted) == sorted(reasons)


@pytest.mark.parametrize("reason", PROVOKED)
def test_the_reason_reaches_the_caller_with_its_status(api: Api, reason: str) -> None:
    code, provoke = PROVOKED[reason]
    why = provoke(api)
    assert (why.code, why.reason) == (code, reason)


def test_details_tell_the_field_the_precondition_and_both_sides(api: Api) -> None:
    def details(call: Callable[..., Any], request: Any) -> dict[str, Any]:
        with pytest.raises(grpc.RpcError) as caught:
            call(request)
        status = refused_status(caught.value)
        return {detail.TypeName().rpartition(".")[2]: detail for detail in status.details}

    found = details(api.metadata.CreateModel, model(api, "../x"))
    violation = error_details_pb2.BadRequest()
    assert found["BadRequest"].Unpack(violation)
    assert violation.field_violations[0].field == "model_id"
    found = details(api.metadata.DeleteVersion, pb.DeleteVersionRequest(name=current(api)))
    failure = error_details_pb2.PreconditionFailure()
    assert found["PreconditionFailure"].Unpack(failure)
    assert failure.violations[0].type == "IN_USE"


def test_bytes_that_are_no_message_are_refused_and_harm_nothing(api: Api) -> None:
    with grpc.insecure_channel(api.address) as channel:
        raw = channel.unary_unary("/muniment.v1.MetadataService/GetModel")
        metadata = (("authorization", f"Bearer {api.token}"),)
        for junk in (b"\xff" * 50, b"\x0a\x03\xff\xfe\xfd", b"\x0a\x7f"):
            why = refused(raw, junk, metadata=metadata, timeout=30)
            assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "request"})
            assert refused(raw, junk, timeout=30).reason == "TOKEN_MISSING"
        stream = channel.stream_stream("/muniment.v1.ArtifactService/PutChunks")
        opening = artifact.PutChunksRequest(parent=api.parent(), digest=UNKNOWN, size=2, data=b"1")
        for frames in ([b"\xff"], [opening.SerializeToString(), b"\xff"]):
            why = refused(stream, iter(frames), metadata=metadata, timeout=30)
            assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "request"})
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/muniment.v1.MetadataService/Nothing")(b"", metadata=metadata, timeout=30)
        assert caught.value.code() is StatusCode.UNIMPLEMENTED
    assert api.access.WhoAmI(access.WhoAmIRequest()).principal == "admin"


def test_no_refusal_was_logged_as_a_defect(registry: ServerProcess) -> None:
    assert "incident" not in registry.stderr
