"""The contract can be explored from outside: health, reflection, and every unary method through `buf curl`."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from harness.api import CALL_SECONDS, Api, sha256
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import artifact_service_pb2, catalog_pb2, ledger_service_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion
from muniment.v1.prediction_pb2 import Prediction
from samples.signatures import Signer

BUF = Path(sys.executable).with_name("buf")
SERVICES = ["MetadataService", "LedgerService", "AccessService", "ArtifactService", "PromotionService"]


def buf_curl(api: Api, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BUF), "curl", "--http2-prior-knowledge", "--protocol", "grpc", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def call(api: Api, method: str, data: dict[str, Any]) -> dict[str, Any]:
    """Calls a method with JSON; fails unless it answers with a message, which is returned."""
    done = buf_curl(
        api,
        *("-H", f"authorization: Bearer {api.token}", "-d", json.dumps(data)),
        f"http://{api.address}/muniment.v1.{method}",
    )
    assert done.returncode == 0, (method, done.stderr)
    return json.loads(done.stdout or "{}")


def record_prediction(api: Api, name: str, version: str) -> None:
    made = Prediction(id=name, version=version, input_digest=bytes(32), output_digest=bytes(32))
    made.time.GetCurrentTime()
    request = ledger_service_pb2.RecordPredictionsRequest(
        parent=api.parent(), sender=api.project, sequence=1, predictions=[made.SerializeToString()]
    )
    assert len(list(api.ledger.RecordPredictions(iter([request])))) == 1


def signed_version(api: Api, model: str) -> str:
    digest, signer = api.commit({"f": b"signed"}), Signer()
    files = {"f": sha256(b"signed")}
    request = pb.CreateVersionRequest(
        parent=f"{api.parent()}/models/{model}",
        version=catalog_pb2.Version(digest=digest, signature={"public_key": signer.public_key}),
        signature_bundle=signer.sign(files),
    )
    return api.metadata.CreateVersion(request).name


@pytest.mark.parametrize("service", ["", *(f"muniment.v1.{name}" for name in SERVICES)])
def test_health_tells_that_every_service_serves(admin: Api, service: str) -> None:
    with grpc.insecure_channel(admin.address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=CALL_SECONDS)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_services_and_their_methods(admin: Api) -> None:
    done = buf_curl(admin, "--list-services", f"http://{admin.address}")
    assert done.returncode == 0, done.stderr
    expected = {f"muniment.v1.{name}" for name in SERVICES} | {"grpc.health.v1.Health"}
    assert expected <= set(done.stdout.split())
    done = buf_curl(admin, "--list-methods", f"http://{admin.address}")
    assert done.returncode == 0, done.stderr
    assert {f"muniment.v1.{method}" for method in _methods()} <= set(done.stdout.split())


def test_every_unary_method_answers_with_data(api: Api) -> None:
    model = api.new_model("m")
    versions = [api.new_version("m", {"f": bytes([index])}) for index in range(6)]
    api.new_model("doomed")
    first, second = versions[0].name, versions[1].name
    api.metadata.SetAlias(pb.SetAliasRequest(name=f"{model}/aliases/old", number=1))
    for version in (first, second):
        move = promotion.RequestPromotionRequest(version=version, stage="production")
        revision = api.promotion.RequestPromotion(move).revision
    record_prediction(api, "p-1", first)
    api.metadata.ArchiveVersion(pb.ArchiveVersionRequest(name=versions[5].name))
    api.new_token("reader")
    (token,) = api.access.ListTokens(access.ListTokensRequest(parent=api.parent())).tokens
    digest, parent, own = versions[0].digest, {"parent": api.parent()}, {"parent": model}
    tensors = api.commit({"one.safetensors": (2).to_bytes(8, "little") + b"{}"})
    chunk = {"digest": "sha256:" + "0" * 64, "size": "1"}
    file = {"path": "empty", "digest": _EMPTY, "size": "0"}
    deployment = {"target": "t", "model": model, "stage": "production", "state": "DEPLOYMENT_STATE_RUNNING"}
    signed = signed_version(api, "m")
    calls: dict[str, dict[str, Any]] = {
        "MetadataService/CreateProject": {"project_id": f"{api.project}-new"},
        "MetadataService/GetProject": {"name": api.parent()},
        "MetadataService/ListProjects": {},
        "MetadataService/CreateModel": {**parent, "model_id": "created"},
        "MetadataService/GetModel": {"name": model},
        "MetadataService/ListModels": parent,
        "MetadataService/UpdateModel": {
            "name": model,
            "model": {"description": "x"},
            "update_mask": "description",
        },
        "MetadataService/DeleteModel": {"name": f"{api.parent()}/models/doomed"},
        "MetadataService/CreateVersion": {**own, "version": {"digest": digest}},
        "MetadataService/GetVersion": {"name": first},
        "MetadataService/BatchGetVersions": {**parent, "names": [first, second]},
        "MetadataService/ListVersions": own,
        "MetadataService/UpdateVersion": {
            "name": first,
            "version": {"tags": {"k": "v"}},
            "update_mask": "tags",
        },
        "MetadataService/DeleteVersion": {"name": versions[2].name},
        "MetadataService/ArchiveVersion": {"name": versions[4].name},
        "MetadataService/RestoreVersion": {"name": versions[5].name},
        "MetadataService/ResolveVersion": {"model": model, "selector": "production"},
        "MetadataService/SetAlias": {"name": f"{model}/aliases/new", "number": "1"},
        "MetadataService/DeleteAlias": {"name": f"{model}/aliases/old"},
        "MetadataService/ListAliases": own,
        "MetadataService/AddMetrics": {"version": first, "metrics": [{"key": "f1", "value": 0.5}]},
        "MetadataService/ListMetrics": {"version": first},
        "MetadataService/CompareVersions": {**parent, "version_a": first, "version_b": second},
        "MetadataService/GetLineage": {**parent, "version": first},
        "MetadataService/ExportVersion": {"name": first, "format": "EXPORT_FORMAT_CYCLONEDX"},
        "MetadataService/GetVersionSignature": {"name": signed},
        "MetadataService/SearchVersions": {**parent, "filter": "stage = production"},
        "MetadataService/SearchModels": {**parent, "filter": "stage = production"},
        "LedgerService/GetEntry": {"parent": "projects/-", "revision": "1"},
        "LedgerService/ListEntries": parent,
        "LedgerService/GetHead": parent,
        "LedgerService/GetCheckpoint": parent,
        "LedgerService/GetInclusionProof": {"parent": "projects/-", "revision": "1"},
        "LedgerService/GetConsistencyProof": {**parent, "from_size": "1"},
        "LedgerService/ListLogKeys": parent,
        "LedgerService/TracePrediction": {**parent, "prediction_id": "p-1"},
        "LedgerService/GetReceipt": {**parent, "prediction_id": "p-1"},
        "LedgerService/ListPredictions": {**parent, "version": first},
        "LedgerService/CountPredictions": {**parent, "version": first},
        "AccessService/WhoAmI": {},
        "AccessService/CreateToken": {**parent, "principal": "p", "roles": ["ROLE_READER"]},
        "AccessService/ListTokens": parent,
        "AccessService/RevokeToken": {"name": token.name},
        "ArtifactService/GetCapabilities": {},
        "ArtifactService/PlanUpload": {**parent, "chunks": [chunk]},
        "ArtifactService/CommitUpload": {**parent, "files": [file]},
        "ArtifactService/GetManifest": {**parent, "digest": digest},
        "ArtifactService/GetDirectReads": {**parent, "digest": digest, "chunks": [sha256(bytes([0]))]},
        "ArtifactService/ListTensors": {**parent, "digest": tensors, "path": "one.safetensors"},
        "ArtifactService/VerifyManifest": {**parent, "digest": digest},
        "ArtifactService/RestoreManifest": {**parent, "digest": digest},
        "ArtifactService/InspectManifest": {**parent, "digest": digest},
        "ArtifactService/GetUsage": {"name": first},
        "PromotionService/RequestPromotion": {"version": versions[3].name, "stage": "staging"},
        "PromotionService/GetPromotion": {"name": f"{model}/promotions/{revision}"},
        "PromotionService/ListPromotions": own,
        "PromotionService/Rollback": {"stage": f"{model}/stages/production"},
        "PromotionService/ListStages": own,
        "PromotionService/GetStage": {"name": f"{model}/stages/production"},
        "PromotionService/ListStageHistory": own,
        "PromotionService/ReportDeployment": {**parent, "deployment": deployment},
        "PromotionService/ListDeployments": parent,
    }
    assert set(calls) == {method for method, is_unary in _methods().items() if is_unary}
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(calls, pool.map(lambda one: call(api, *one), calls.items()), strict=True))
    models = json_format.ParseDict(answers["MetadataService/ListModels"], pb.ListModelsResponse()).models
    assert model in {one.name for one in models}
    read = json_format.ParseDict(answers["MetadataService/GetVersion"], catalog_pb2.Version())
    assert read.digest == digest
    assert answers["ArtifactService/PlanUpload"]["missing"] == [chunk["digest"]]


def test_a_refusal_reaches_buf_with_its_reason(admin: Api) -> None:
    done = buf_curl(admin, "-d", "{}", f"http://{admin.address}/muniment.v1.MetadataService/ListProjects")
    assert done.returncode != 0
    refusal = json.loads(done.stderr)
    assert refusal["code"] == "unauthenticated"
    (detail,) = refusal["details"]
    assert detail["type"] == "google.rpc.ErrorInfo"
    padded = detail["value"] + "=" * (-len(detail["value"]) % 4)
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(padded))
    assert (info.reason, info.domain) == ("TOKEN_MISSING", "muniment")


_EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _methods() -> dict[str, bool]:
    """Every method of the contract, and whether it is a unary one."""
    return {
        f"{service.name}/{method.name}": not (method.client_streaming or method.server_streaming)
        for module in (pb, access, artifact_service_pb2, ledger_service_pb2, promotion)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
