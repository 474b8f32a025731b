"""`muniment push --signature`, `muniment verify-signature`, and that the official tool agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from google.protobuf.json_format import Parse
from model_signing import signing, verifying
from muniment import connect, errors
from muniment.signature import key_digest
from muniment.v1 import metadata_service_pb2 as pb
from samples.signatures import Signer

Done = Callable[..., str]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A key pair in files."""
    directory = tmp_path_factory.mktemp("keys")
    private = ec.generate_private_key(ec.SECP256R1())
    own, public = directory / "key.pem", directory / "key.pub"
    own.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return SimpleNamespace(private=own, public=public)


@pytest.fixture
def signature(weights: Path, keys: SimpleNamespace, tmp_path: Path) -> Path:
    """A signature of the weights by the official tool."""
    path = tmp_path / "model.sig"
    signing.Config().use_elliptic_key_signer(private_key=keys.private).sign(weights, path)
    return path


def test_what_is_pushed_with_a_signature_is_verified_here_there_and_by_the_official_tool(
    done: Done, weights: Path, keys: SimpleNamespace, signature: Path, tmp_path: Path
) -> None:
    done("push", "signed", weights, "--signature", signature, "--signature-key", keys.public)
    key = key_digest(keys.public.read_text())
    assert f"verified at registration, by the key {key}" in done("show", "signed")
    saved = tmp_path / "saved.sig"
    told = done("verify-signature", "signed@1", "--key", keys.public, "--save", saved)
    assert told.startswith("The signature of signed@1 is valid\n")
    assert key in told
    assert "yes, it is the given key" in told
    assert "not known: give the key" in done("verify-signature", "signed@1")
    assert saved.read_bytes() == signature.read_bytes()
    done("pull", "signed@1", tmp_path / "pulled")
    verifying.Config().use_elliptic_key_verifier(public_key=keys.public).verify(tmp_path / "pulled", saved)
    (tmp_path / "pulled" / "model.bin").chmod(0o600)
    (tmp_path / "pulled" / "model.bin").write_bytes(b"other")
    with pytest.raises(ValueError, match="mismatch"):
        verifying.Config().use_elliptic_key_verifier(public_key=keys.public).verify(
            tmp_path / "pulled", saved
        )


def test_the_signature_is_part_of_the_record_that_the_ledger_binds(
    done: Done, objects: Callable[..., Any], weights: Path, keys: SimpleNamespace, signature: Path
) -> None:
    done("push", "bound", weights, "--signature", signature, "--signature-key", keys.public)
    (version,) = objects("show", "bound")
    assert version["signature"]["public_key"] == keys.public.read_text()
    assert version["signature"]["bundle_digest"].startswith("sha256:")
    (told,) = objects("verify-signature", "bound")
    assert Parse(json.dumps(told), pb.VersionSignature()).bundle == signature.read_bytes()
    assert "bound" in done("audit", "log", "--model", "bound")
    done("audit", "verify")


def test_a_signature_that_is_not_one_of_the_files_refuses_the_push_and_leaves_nothing(
    cli: Callable[..., Any], weights: Path, keys: SimpleNamespace, signature: Path, tmp_path: Path
) -> None:
    (weights / "model.bin").write_bytes(b"other")
    outcome = cli("push", "refused", weights, "--signature", signature, "--signature-key", keys.public)
    assert outcome.returncode == 1
    assert outcome.stderr.count("sha256:") >= 2
    assert "while the version's have" in outcome.stderr
    assert "model.bin" in outcome.stderr
    other = tmp_path / "other.pub"
    other.write_text(Signer().public_key)
    outcome = cli("push", "refused", weights, "--signature", signature, "--signature-key", other)
    assert outcome.returncode == 1
    assert "names the key" in outcome.stderr
    (tmp_path / "none.sig").write_text("{}")
    outcome = cli(
        "push", "refused", weights, "--signature", tmp_path / "none.sig", "--signature-key", keys.public
    )
    assert "no envelope" in outcome.stderr
    assert cli("versions", "refused").returncode == 1


def test_both_or_none_of_signature_and_key_are_needed(
    cli: Callable[..., Any], weights: Path, signature: Path
) -> None:
    assert cli("push", "half", weights, "--signature", signature).returncode == 2


def test_verification_fails_by_another_key_and_without_a_signature(
    cli: Callable[..., Any],
    done: Done,
    weights: Path,
    keys: SimpleNamespace,
    signature: Path,
    tmp_path: Path,
) -> None:
    done("push", "checked", weights, "--signature", signature, "--signature-key", keys.public)
    done("push", "checked", weights)
    (tmp_path / "other.pub").write_text(Signer().public_key)
    outcome = cli("verify-signature", "checked@1", "--key", tmp_path / "other.pub")
    assert outcome.returncode == 1
    assert "was given" in outcome.stderr
    outcome = cli("verify-signature", "checked@2")
    assert outcome.returncode == 1
    assert "without a signature" in outcome.stderr


def test_a_repeated_push_gets_the_answer_of_the_first(
    shared_server: Any, weights: Path, keys: SimpleNamespace, signature: Path
) -> None:
    with connect(shared_server.address, token=shared_server.token) as registry:
        pushes = [
            registry.push(
                "again",
                weights,
                signature=signature,
                signature_key=keys.public,
                request_id="signed-once",
                progress=False,
            )
            for _ in range(2)
        ]
        assert [version.number for version in pushes] == [1, 1]
        with pytest.raises(errors.InvalidArgument):
            registry.push("again", weights, signature=signature, progress=False)
        with pytest.raises(errors.CannotRead):
            registry.push("again", weights, signature="nowhere", signature_key=keys.public, progress=False)
