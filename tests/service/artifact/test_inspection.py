"""InspectManifest: once for each content, project and ruleset, and never about somebody else's bytes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import inspection_pb2
from muniment_artifact.inspection import runner
from muniment_artifact.inspections import Inspections
from muniment_core.db.database import Database
from muniment_core.db.inspection_tables import file_inspections
from muniment_core.domain.errors import ShuttingDown
from muniment_core.rpc.execution import Execution
from samples import model_files as make
from sqlalchemy import select, update

VERDICT = inspection_pb2.Verdict
FORMAT = inspection_pb2.FileFormat
SAFETENSORS = make.safetensors({"a": ("BF16", [2, 3], 12), "b": ("F32", [4], 16)})


async def inspect(
    client: Any, digest: str, project: str = "default", *, again: bool = False
) -> inspection_pb2.Inspection:
    request = pb.InspectManifestRequest(parent=f"projects/{project}", digest=digest, again=again)
    return await client.call("InspectManifest", request)


def cut(data: bytes, size: int = 1_000) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the files that were looked into."""
    sizes: list[int] = []
    original = runner.Worker.judge

    def judge(self: runner.Worker, read: Callable[[int, int], bytes], size: int) -> Any:
        sizes.append(size)
        return original(self, read, size)

    monkeypatch.setattr(runner.Worker, "judge", judge)
    return sizes


async def test_every_file_is_told_of_with_its_format_facts_and_verdict(client: Any) -> None:
    pickle = make.pytorch_file(make.harmful_pickle())
    array = make.pickled({"weights": np.zeros(100)})
    manifest = await client.push(
        {
            "model.safetensors": cut(SAFETENSORS, 64),
            "other/model.safetensors": [SAFETENSORS],
            "broken.safetensors": [SAFETENSORS[:-1]],
            "old.pt": cut(pickle),
            "array.pkl": cut(array, 100),
            "config.json": [b"{}"],
            "empty": [],
        }
    )
    found = await inspect(client, manifest.digest)
    files = {file.path: file for file in found.files}
    assert list(files) == sorted(files)
    assert (found.digest, found.root_digest) == (manifest.digest, manifest.root_digest)
    assert found.verdict == VERDICT.VERDICT_MALICIOUS
    assert found.ruleset.startswith("muniment-")
    assert "picklescan-" in found.ruleset
    assert {path: FORMAT.Name(file.format).removeprefix("FILE_FORMAT_") for path, file in files.items()} == {
        "array.pkl": "PICKLE",
        "broken.safetensors": "SAFETENSORS",
        "config.json": "JSON",
        "empty": "EMPTY",
        "model.safetensors": "SAFETENSORS",
        "old.pt": "PYTORCH",
        "other/model.safetensors": "SAFETENSORS",
    }
    assert {path: VERDICT.Name(file.verdict).removeprefix("VERDICT_") for path, file in files.items()} == {
        "array.pkl": "SUSPICIOUS",
        "broken.safetensors": "UNSCANNABLE",
        "config.json": "CLEAN",
        "empty": "CLEAN",
        "model.safetensors": "CLEAN",
        "old.pt": "MALICIOUS",
        "other/model.safetensors": "CLEAN",
    }
    tensors = files["model.safetensors"].tensors
    assert (tensors.tensor_count, tensors.parameter_count) == (2, 10)
    assert dict(tensors.parameters_by_dtype) == {"BF16": 6, "F32": 4}
    assert (found.tensors.tensor_count, found.tensors.parameter_count) == (4, 20)
    assert "invalid header" in files["broken.safetensors"].fault
    assert {finding.member for finding in files["old.pt"].findings} == {"archive/data.pkl"}
    assert [path for path, file in files.items() if file.scanned] == ["array.pkl", "old.pt"]
    assert all(file.HasField("inspect_time") for file in files.values())


async def test_a_file_is_looked_into_once_whatever_manifest_names_it(client: Any, judged: list[int]) -> None:
    first = await client.push({"a": [b"text"], "b": [b"other text"], "same": [b"text"]})
    second = await client.push({"c": [b"text"], "d": [b"more of it"]})
    before = await inspect(client, first.digest)
    assert sorted(judged) == [4, 10]
    assert await inspect(client, first.digest) == before
    await inspect(client, second.digest)
    assert sorted(judged) == [4, 10, 10]


async def test_those_who_ask_at_once_wait_for_one_look(client: Any, judged: list[int]) -> None:
    manifest = await client.push({"a": [b"text"], "b": [make.harmful_pickle()]})
    answers = await asyncio.gather(*(inspect(client, manifest.digest) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert len(judged) == 2


async def test_who_read_what_is_known_before_a_look_ended_does_not_look_again(
    client: Any, execution: Execution, blobs: Any, judged: list[int]
) -> None:
    digest = Digest.parse((await client.push({"a": [b"text"]})).digest)
    inspections = Inspections(execution, blobs)
    known, looked = inspections._known, asyncio.Event()

    async def late(project: str, digests: Any) -> Any:
        found = await known(project, digests)
        inspections._known = known  # type: ignore[method-assign]
        await looked.wait()
        return found

    inspections._known = late  # type: ignore[method-assign]
    slow = asyncio.ensure_future(inspections.of_manifest("default", digest, again=False))
    await client.until(lambda: inspections._known == known, "nothing was read")
    first = await inspections.of_manifest("default", digest, again=False)
    looked.set()
    assert await slow == first
    assert judged == [4]


async def test_a_project_learns_nothing_from_what_another_had_looked_into(
    client: Any, judged: list[int]
) -> None:
    manifest = await client.push({"a": [b"text"]})
    await inspect(client, manifest.digest)
    with pytest.raises(client.Refused) as refused:
        await inspect(client, manifest.digest, "other")
    assert refused.value.reason == "MANIFEST_NOT_FOUND"
    await client.push({"a": [b"text"]}, "other")
    await inspect(client, manifest.digest, "other")
    assert judged == [4, 4]


async def test_other_rules_look_again(client: Any, judged: list[int], database: Database) -> None:
    manifest = await client.push({"a": [b"text"]})
    await inspect(client, manifest.digest)
    with database.writing() as connection:
        connection.execute(update(file_inspections).values(ruleset="muniment-0"))
    await inspect(client, manifest.digest)
    assert judged == [4, 4]


async def test_what_could_not_be_looked_into_is_looked_into_again_when_asked_for(
    client: Any, judged: list[int], database: Database
) -> None:
    broken = make.pickled({"a": 1})[:-1]
    manifest = await client.push({"a": [b"text"], "b": [broken]})
    for _ in range(2):
        await inspect(client, manifest.digest)
    assert sorted(judged) == [4, len(broken)]
    found = await inspect(client, manifest.digest, again=True)
    assert sorted(judged) == [4, len(broken), len(broken)]
    assert found.verdict == VERDICT.VERDICT_UNSCANNABLE
    with database.reading() as connection:
        rows = connection.execute(select(file_inspections)).all()
    assert sorted((row.format, row.verdict) for row in rows) == [("PICKLE", "UNSCANNABLE"), ("TEXT", "CLEAN")]
    assert all(json.loads(row.report) for row in rows)


async def test_bytes_that_are_gone_are_damage_and_no_verdict(client: Any, blobs: Any) -> None:
    manifest = await client.push({"a": cut(SAFETENSORS, 32), "b": [b"text"]})
    path: Path = client.blob_path(SAFETENSORS[:32])
    path.chmod(0o600)
    path.write_bytes(b"x" * 32)
    with pytest.raises(client.Refused) as refused:
        await inspect(client, manifest.digest)
    assert refused.value.reason == "BYTES_DAMAGED"
    assert await client.plan([SAFETENSORS[:32]]) == [client.chunk(SAFETENSORS[:32]).digest]
    await client.put([SAFETENSORS[:32]])
    assert (await inspect(client, manifest.digest)).verdict == VERDICT.VERDICT_CLEAN


async def test_a_call_that_is_given_up_is_gone_on_with(
    client: Any, monkeypatch: pytest.MonkeyPatch, judged: list[int]
) -> None:
    manifest = await client.push({"a": [b"text"]})
    may_end = threading.Event()
    counted = runner.Worker.judge

    def judge(self: runner.Worker, read: Callable[[int, int], bytes], size: int) -> Any:
        assert may_end.wait(60)
        return counted(self, read, size)

    monkeypatch.setattr(runner.Worker, "judge", judge)
    given_up = asyncio.ensure_future(inspect(client, manifest.digest))
    waiting = asyncio.ensure_future(inspect(client, manifest.digest))
    await asyncio.sleep(0)
    given_up.cancel()
    may_end.set()
    assert (await waiting).verdict == VERDICT.VERDICT_CLEAN
    assert judged == [4]


async def test_closing_ends_what_is_looked_into_and_says_so(
    client: Any, execution: Execution, blobs: Any
) -> None:
    slow = b"\x80\x02" + b"N0" * 1_400_000 + b"N."
    manifest = await client.push({"a": cut(slow, 1_000_000)})
    inspections = Inspections(execution, blobs)
    look = asyncio.ensure_future(
        inspections.of_manifest("default", Digest.parse(manifest.digest), again=False)
    )
    await client.until(lambda: bool(inspections._workers), "nothing is looked into")
    inspections.close()
    with pytest.raises(ShuttingDown):
        await look
    with pytest.raises(ShuttingDown):
        await inspections.of_manifest("default", Digest.parse(manifest.digest), again=False)


async def test_an_unknown_manifest_and_a_bad_digest_are_refused(client: Any) -> None:
    with pytest.raises(client.Refused) as refused:
        await inspect(client, "sha256:" + "0" * 64)
    assert refused.value.reason == "MANIFEST_NOT_FOUND"
    with pytest.raises(client.Refused) as refused:
        await inspect(client, "nonsense")
    assert refused.value.reason == "INVALID_FIELD"
