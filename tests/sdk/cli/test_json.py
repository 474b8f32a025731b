"""`--json`: each verb prints the message of the contract, one object per line."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from google.protobuf.message import Message
from muniment import connect
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import artifact_service_pb2 as artifact
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import ledger_service_pb2 as ledger
from muniment.v1 import promotion_service_pb2 as promotion
from muniment.v1.prediction_pb2 import Prediction

Objects = Callable[..., list[dict[str, Any]]]


def check(found: list[dict[str, Any]], kind: type[Message]) -> list[dict[str, Any]]:
    """Every object is that message in the proto3 JSON mapping, with the names of the contract."""
    assert found
    descriptor = kind.DESCRIPTOR
    always = {field.name for field in descriptor.fields if not field.has_presence}
    for each in found:
        Parse(json.dumps(each), kind())
        assert always <= each.keys() <= {field.name for field in descriptor.fields}
    return found


def test_every_verb_prints_the_message_of_the_contract(
    objects: Objects, shared_server, weights: Path, tmp_path: Path, public_key: Callable[..., str]
) -> None:
    (version,) = check(
        objects(
            *("push", "churn", weights, "--metric", "f1=0.5", "--param", "depth=3", "--param", "kind=tree"),
            *("--alias", "champion", "--dataset", "name=churn"),
        ),
        catalog.Version,
    )
    assert version["name"] == "projects/default/models/churn/versions/1"
    # The mapping writes 64-bit numbers as text.
    assert (version["number"], version["size_bytes"]) == ("1", str(256 * 64 + 2))
    assert version["state"] == "VERSION_STATE_READY"
    assert version["digest"].startswith("sha256:")
    assert version["params"] == {"depth": {"number": 3.0}, "kind": {"text": "tree"}}
    assert version["aliases"] == ["champion"]
    objects("push", "churn", weights, "--parent", "churn@1:merged")

    assert check(objects("show", "churn@1"), catalog.Version) == [version]
    assert check(objects("pull", "churn@1", tmp_path / "into"), catalog.Version) == [version]
    assert [each["number"] for each in check(objects("versions", "churn"), catalog.Version)] == ["2", "1"]
    latest = {each["name"]: each["latest_number"] for each in check(objects("models"), catalog.Model)}
    assert latest["projects/default/models/churn"] == "2"

    (alias,) = check(objects("alias", "churn", "best", "2"), catalog.Alias)
    assert (alias["name"], alias["number"]) == ("projects/default/models/churn/aliases/best", "2")
    assert [each["number"] for each in check(objects("alias", "churn"), catalog.Alias)] == ["2", "1"]
    check(objects("alias", "churn", "best", "--delete"), catalog.Alias)

    (made,) = check(objects("promote", "churn@1", "--to", "production"), promotion.Promotion)
    assert (made["state"], made["previous_number"]) == ("PROMOTION_STATE_PROMOTED", "0")
    objects("promote", "churn@2", "--to", "production")
    (move,) = check(objects("rollback", "churn", "--stage", "production"), promotion.StageMove)
    assert (move["kind"], move["number"], move["previous_number"]) == ("STAGE_MOVE_KIND_ROLLBACK", "1", "2")
    stages = check(objects("stages", "churn"), promotion.Stage)
    assert [(each["name"].rpartition("/")[2], each["number"]) for each in stages] == [
        ("staging", "0"),
        ("production", "1"),
    ]
    assert len(check(objects("history", "churn"), promotion.StageMove)) == 3

    with connect(shared_server.address, token=shared_server.token) as registry:
        registry.report_deployment(
            "edge-1",
            model="churn",
            stage="production",
            number=1,
            digest=version["digest"],
            state="RUNNING",
            acted_revision=int(move["revision"]),
        )
    (deployment,) = check(objects("deployments", "churn"), promotion.Deployment)
    check(objects("deployments"), promotion.Deployment)
    assert deployment["state"] == "DEPLOYMENT_STATE_RUNNING"

    with connect(shared_server.address, token=shared_server.token) as registry:
        with registry.predictions("churn@1") as recorder:
            made = recorder.record(input="asked", output="answered")
    assert made in {each["id"] for each in check(objects("predictions", "churn@1"), Prediction)}
    (count,) = check(objects("predictions", "churn@1", "--count"), ledger.CountPredictionsResponse)
    assert (count["count"], count["expired_count"]) == ("1", "0")
    (traced,) = check(objects("trace", made), ledger.PredictionTrace)
    assert (traced["prediction"]["id"], traced["version"]["name"]) == (made, version["name"])
    (receipt,) = check(objects("receipt", made, "-o", tmp_path / "receipt.json"), ledger.Receipt)
    assert base64.b64decode(receipt["content"]) == (tmp_path / "receipt.json").read_bytes()
    (proven,) = objects("verify", tmp_path / "receipt.json", "--key", public_key(shared_server))
    assert (proven["verified"], proven["prediction"]["id"]) == (True, made)

    entries = check(objects("audit", "log"), ledger.LedgerEntry)
    revisions = [int(each["revision"]) for each in entries]
    assert revisions == sorted(set(revisions))
    (checkpoint,) = check(objects("audit", "checkpoint", "--min-size", revisions[-1]), ledger.Checkpoint)
    assert int(checkpoint["size"]) >= revisions[-1]
    (proof,) = check(objects("audit", "proof", revisions[0]), ledger.InclusionProof)
    assert int(proof["leaf_index"]) == revisions[0] - 1
    (key,) = check(objects("audit", "keys"), ledger.LogKey)
    assert key["active"]

    header = b'{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    (weights.parent / "one.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"1")
    objects("push", "tensors", weights.parent / "one.safetensors")
    (tensor,) = check(objects("tensors", "tensors"), artifact.Tensor)
    assert (tensor["name"], tensor["shape"], tensor["path"]) == ("w", ["1"], "one.safetensors")

    check(objects("whoami"), access.Identity)
    (token,) = check(objects("token", "create", "robot", "--role", "reader"), access.Token)
    assert token["secret"].startswith("mun_")
    assert token["roles"] == ["ROLE_READER"]
    assert all(each["secret"] == "" for each in check(objects("token", "list"), access.Token))
    (revoked,) = check(objects("token", "revoke", token["name"]), access.Token)
    assert revoked["revoke_time"]

    check(objects("project", "create", "risk"), catalog.Project)
    assert {each["name"] for each in check(objects("project", "list"), catalog.Project)} >= {"projects/risk"}


def test_an_empty_list_prints_nothing_and_is_no_failure(
    cli: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    outcome = cli("audit", "log", "--actor", "nobody", "--json")
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.parametrize("arguments", [("show", "missing"), ("models", "--token", "mun_wrong")], ids=" ".join)
def test_a_refusal_prints_no_object(
    cli: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, ...]
) -> None:
    outcome = cli(*arguments, "--json")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("Error: ")
