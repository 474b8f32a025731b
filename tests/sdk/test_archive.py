"""Archiving and restoring as a user meets it: by the command line, with `muniment-server gc` in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import muniment
import pytest
from harness.processes import DEADLINE
from harness.server import ServerFactory, ServerProcess
from muniment import errors
from muniment.digests import Digest
from muniment.signature import root_digest
from samples.signatures import Signer

Run = Callable[..., str]


@pytest.fixture
def cold(tmp_path: Path) -> Path:
    """Directory of the cold tier."""
    return tmp_path / "slow-disk"


@pytest.fixture
def archiver(server_factory: ServerFactory, cold: Path) -> ServerProcess:
    """A server with a cold tier of its own."""
    return server_factory("--cold-dir", str(cold))


@pytest.fixture
def connected(archiver: ServerProcess) -> Iterator[muniment.Registry]:
    """A connection to it that keeps nothing of what it pulls."""
    with muniment.connect(archiver.address, token=archiver.token, cache="off") as registry:
        yield registry


@pytest.fixture
def cli(archiver: ServerProcess, tmp_path: Path) -> Run:
    """Runs the command against that server."""

    def run(*arguments: str | Path, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "muniment.cli", *map(str, arguments)],
            env={
                **os.environ,
                "MUNIMENT_TARGET": archiver.address,
                "MUNIMENT_TOKEN": archiver.token,
                "MUNIMENT_CACHE": "off",
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


@pytest.fixture
def operate(archiver: ServerProcess, cold: Path) -> Callable[..., dict[str, int]]:
    """Runs a command of `muniment-server` on the data of the server, which is stopped meanwhile."""

    def run(name: str, *arguments: str, restart: bool = True) -> dict[str, int]:
        if archiver.process.running:
            archiver.stop()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "muniment_server", name, "--json", *arguments),
                *("--data", str(archiver.data), "--cold-dir", str(cold)),
            ],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if restart:
            archiver.restart()
        return dict(json.loads(done.stdout.splitlines()[-1]))

    return run


def model(directory: Path, **files: bytes) -> Path:
    directory.mkdir()
    for name, data in files.items():
        (directory / f"{name}.bin").write_bytes(data)
    return directory


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def in_cold(cold: Path) -> int:
    return sum(path.stat().st_size for path in (cold / "cas" / "sha256").rglob("*") if path.is_file())


def test_an_archived_version_goes_to_the_cold_tier_and_comes_back_the_same(
    connected: muniment.Registry, cli: Run, operate: Callable[..., dict[str, int]], cold: Path, tmp_path: Path
) -> None:
    base, first, second = os.urandom(6_000_000), os.urandom(300_000), os.urandom(300_000)
    source = model(tmp_path / "1", base=base, head=first)
    connected.push("churn", source)
    connected.push("churn", model(tmp_path / "2", base=base, head=second))
    shown = cli("archive", "churn@1", "--reason", "obsolete")
    assert shown.startswith("churn@1 is archived; its bytes move to the cold tier")
    assert "ARCHIVED" in cli("show", "churn@1")
    assert "churn/versions/1 is ARCHIVED, while READY is needed" in cli(
        "promote", "churn@1", "--to", "staging", status=1
    )
    # What is not collected yet can still be read.
    assert files_of(connected.pull("churn@1", tmp_path / "early")) == files_of(source)

    done = operate("gc", "--delete", "--grace", "0s")
    assert (done["archived_manifests"], done["archived_bytes"]) == (1, len(base + first))
    assert done["bytes"] == len(first)
    assert in_cold(cold) == len(base + first)
    usage = json.loads(cli("du", "churn@1", "--json"))
    assert (int(usage["archived_bytes"]), int(usage["stored_bytes"])) == (len(base + first), 0)
    with pytest.raises(errors.BytesArchived, match="in the cold tier"):
        connected.pull("churn@1", tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    assert "muniment restore" in cli("pull", "churn@1", "refused", status=1)
    assert "version.archived" in cli("audit", "log")

    assert "is READY again" in cli("restore", "churn@1")
    assert files_of(connected.pull("churn@1", tmp_path / "back")) == files_of(source)
    connected.promote("churn@1", to="production")
    assert connected.audit.verify().entries > 0
    with pytest.raises(errors.VersionNotArchived):
        connected.restore("churn@1")
    operate("gc", "--delete", "--grace", "0s", restart=False)
    assert in_cold(cold) == 0
    assert operate("fsck", "--bytes", restart=False)["differences"] == 0


@pytest.mark.parametrize("policy", [(), ("--drop-archived",)])
def test_without_its_bytes_a_version_is_shown_and_its_signature_verified(
    archiver: ServerProcess,
    connected: muniment.Registry,
    cli: Run,
    operate: Callable[..., dict[str, int]],
    tmp_path: Path,
    policy: tuple[str, ...],
) -> None:
    source = model(tmp_path / "1", base=os.urandom(2_000_000), head=b"head")
    digests = {path.name: Digest.of(path.read_bytes()).text for path in source.iterdir()}
    signer = Signer()
    (tmp_path / "bundle").write_bytes(signer.sign(digests))
    (tmp_path / "key.pub").write_text(signer.public_key)
    connected.push("churn", source, signature=tmp_path / "bundle", signature_key=tmp_path / "key.pub")
    connected.push("churn", source)
    for selector in ("churn@1", "churn@2"):
        connected.archive(selector)
    operate("gc", "--delete", "--grace", "0s", *policy)

    assert connected.root_digest("churn@1") == root_digest(digests)
    shown = cli("show", "churn@1")
    assert root_digest(digests) in shown
    assert "were given up" in shown if policy else "in the cold tier" in shown
    verified = connected.verify_signature("churn@1", key=tmp_path / "key.pub")
    assert verified.root_digest == root_digest(digests)
    with pytest.raises(errors.SignatureNotFound):
        connected.verify_signature("churn@2")
    with pytest.raises(errors.BytesArchived, match="were given up: push" if policy else "in the cold tier"):
        connected.pull("churn@1", tmp_path / "refused")
    with pytest.raises(errors.BytesArchived):
        connected.open("churn@1").read("head.bin")
    with muniment.connect(archiver.address, token=archiver.token, cache=tmp_path / "cache") as caching:
        with pytest.raises(errors.BytesArchived):
            caching.pull("churn@1", tmp_path / "refused")
        if policy:
            caching.push("churn", source)
        assert caching.restore("churn@1").state == "READY"
        # What was known without bytes was not kept for the time with them.
        assert files_of(caching.pull("churn@1", tmp_path / "back")) == files_of(source)
    operate("gc", "--delete", "--grace", "0s", *policy, restart=False)
    assert operate("fsck", "--bytes", restart=False)["differences"] == 0


def test_fsck_looks_into_the_cold_tier(
    archiver: ServerProcess,
    connected: muniment.Registry,
    operate: Callable[..., dict[str, int]],
    cold: Path,
    tmp_path: Path,
) -> None:
    connected.push("churn", model(tmp_path / "1", head=os.urandom(300_000)))
    connected.archive("churn@1")
    operate("gc", "--delete", "--grace", "0s", restart=False)
    assert operate("fsck", "--bytes", restart=False)["differences"] == 0
    [blob] = (path for path in (cold / "cas" / "sha256").rglob("*") if path.is_file())
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(data)
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "muniment_server", "fsck", "--bytes"),
            *("--data", str(archiver.data), "--cold-dir", str(cold)),
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert checked.returncode == 1
    assert f"sha256:{blob.name}" in checked.stdout
    archiver.restart()
    with pytest.raises(errors.BytesDamaged):
        connected.restore("churn@1")
    assert connected.show("churn@1").state == "ARCHIVED"


def test_a_cold_tier_that_cannot_be_opened_is_told_of_and_what_is_at_hand_is_served(
    server_factory: ServerFactory, tmp_path: Path
) -> None:
    place = tmp_path / "slow-disk"
    place.write_bytes(b"no directory")
    server = server_factory("--cold-dir", str(place / "cold"))
    with muniment.connect(server.address, token=server.token, cache="off") as registry:
        registry.push("churn", model(tmp_path / "1", head=b"1"))
        assert files_of(registry.pull("churn", tmp_path / "pulled")) == {"head.bin": b"1"}
        registry.archive("churn@1")
        assert registry.restore("churn@1").state == "READY"
    server.stop()
    assert "the cold tier can be neither written nor read" in server.stderr
