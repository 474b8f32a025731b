"""Proofs over the contract: for whoever may read the entry, verifiable without the server, nothing else told."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from harness.api import Api, refused
from muniment.ledger.checkpoint import open_checkpoint
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import leaf_hash, verify_consistency
from muniment.ledger.proof import LogProof
from muniment.v1 import ledger_service_pb2 as pb


def head(api: Api) -> int:
    return api.ledger.GetHead(pb.GetHeadRequest(parent=api.parent())).size


def test_what_was_just_answered_can_be_proved_at_once(api: Api) -> None:
    keys = api.ledger.ListLogKeys(pb.ListLogKeysRequest(parent=api.parent())).keys
    trusted = [PublicKey.parse(key.key) for key in keys]
    assert [key.active for key in keys] == [*(False for _ in keys[1:]), True]
    earlier = api.ledger.GetCheckpoint(pb.GetCheckpointRequest(parent=api.parent()))
    for name in ("a", "b", "c"):
        api.new_model(name)
        revision = head(api)
        covering = api.ledger.GetCheckpoint(pb.GetCheckpointRequest(parent=api.parent(), min_size=revision))
        opened = open_checkpoint(covering.note, trusted, origin=covering.origin)
        assert (opened.size, opened.root) == (covering.size, covering.root_hash)
        assert covering.size >= revision
        entry = api.ledger.GetEntry(pb.GetEntryRequest(parent=api.parent(), revision=revision))
        proof = api.ledger.GetInclusionProof(
            pb.GetInclusionProofRequest(parent=api.parent(), revision=revision)
        )
        assert (proof.leaf_index, proof.leaf_hash) == (revision - 1, leaf_hash(entry.body))
        file = LogProof.parse(proof.tlog_proof)
        assert file.verify(leaf_hash(entry.body), trusted).size == proof.tree_size == proof.checkpoint.size
    consistent = api.ledger.GetConsistencyProof(
        pb.GetConsistencyProofRequest(parent=api.parent(), from_size=earlier.size, to_size=covering.size)
    )
    verify_consistency(
        earlier.size, covering.size, earlier.root_hash, covering.root_hash, list(consistent.hashes)
    )
    assert (consistent.from_root_hash, consistent.to_root_hash) == (earlier.root_hash, covering.root_hash)


def test_a_tree_that_was_never_signed_is_proved_without_a_checkpoint(api: Api) -> None:
    api.new_model("m")
    size = head(api)
    signed = {
        proof.tree_size: bool(proof.tlog_proof)
        for proof in (
            api.ledger.GetInclusionProof(
                pb.GetInclusionProofRequest(parent="projects/-", revision=1, tree_size=wanted)
            )
            for wanted in (1, size)
        )
    }
    assert signed.keys() == {1, size}
    assert signed[1] is False


def test_an_entry_of_another_project_is_not_proved(api: Api) -> None:
    api.new_model("m")
    mine = head(api)
    with api.as_caller(api.new_token("reader")) as reader:
        proof = reader.ledger.GetInclusionProof(
            pb.GetInclusionProofRequest(parent=api.parent(), revision=mine)
        )
        assert proof.tlog_proof
        assert reader.ledger.GetCheckpoint(pb.GetCheckpointRequest(parent=api.parent())).size
        for foreign in (1, 2, 3):
            request = pb.GetInclusionProofRequest(parent=api.parent(), revision=foreign)
            why = refused(reader.ledger.GetInclusionProof, request)
            assert why[:2] == (StatusCode.NOT_FOUND, "ENTRY_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "fields", "field"),
    [
        ("GetCheckpoint", {"min_size": -1}, "min_size"),
        ("GetCheckpoint", {"min_size": 2**62}, "min_size"),
        ("GetInclusionProof", {}, "revision"),
        ("GetInclusionProof", {"revision": -3}, "revision"),
        ("GetInclusionProof", {"revision": 1, "tree_size": -1}, "tree_size"),
        ("GetInclusionProof", {"revision": 2, "tree_size": 1}, "tree_size"),
        ("GetInclusionProof", {"revision": 1, "tree_size": 2**62}, "tree_size"),
        ("GetConsistencyProof", {}, "from_size"),
        ("GetConsistencyProof", {"from_size": 2, "to_size": 1}, "to_size"),
        ("GetConsistencyProof", {"from_size": 1, "to_size": -1}, "to_size"),
        ("GetConsistencyProof", {"from_size": 2**62}, "from_size"),
        ("GetConsistencyProof", {"from_size": 1, "to_size": 2**62}, "to_size"),
    ],
)
def test_sizes_that_never_were_are_refused_by_field(
    admin: Api, method: str, fields: dict[str, int], field: str
) -> None:
    request = getattr(pb, f"{method}Request")(parent="projects/-", **fields)
    why = refused(getattr(admin.ledger, method), request)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": field})


def test_a_project_that_does_not_exist_has_no_ledger(admin: Api) -> None:
    for method, fields in (
        ("GetCheckpoint", {}),
        ("GetInclusionProof", {"revision": 1}),
        ("GetConsistencyProof", {"from_size": 1}),
        ("ListLogKeys", {}),
    ):
        request = getattr(pb, f"{method}Request")(parent="projects/nowhere", **fields)
        assert refused(getattr(admin.ledger, method), request).reason == "PROJECT_NOT_FOUND"
