"""Tensors by name, over gRPC."""

from __future__ import annotations

import json
import random

import pytest
from muniment.v1 import artifact_service_pb2 as pb
from muniment_artifact.limits import MIB
from muniment_artifact.tensors.index import MAX_KEPT_BYTES

WEIGHT, BIAS = random.Random(1).randbytes(3 * MIB + 5), random.Random(2).randbytes(24)
PATH = "model.safetensors"

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def _header(tensors: dict[str, bytes], *, note: str = "") -> bytes:
    header: dict[str, object] = {"__metadata__": {"note": note}}
    position = 0
    for name, data in tensors.items():
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": [position, position + len(data)]}
        position += len(data)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


async def _push(client, header: bytes, *data: bytes) -> pb.Manifest:
    chunks = [header[at : at + 2 * MIB] for at in range(0, len(header), 2 * MIB)]
    for tensor in data:
        chunks += [tensor[at : at + MIB] for at in range(0, len(tensor), MIB)]
    return await client.push({PATH: chunks, "notes.txt": [b"hello"]})


async def _read(client, manifest: pb.Manifest, *ranges: pb.ByteRange) -> list[bytes]:
    request = pb.ReadRangesRequest(parent="projects/default", digest=manifest.digest, ranges=ranges)
    found = [b""] * len(ranges)
    async for frame in client.stub.ReadRanges(request, metadata=client.token, timeout=60):
        found[frame.range_index] += frame.data
    return found


def _list(manifest: pb.Manifest, **fields: object) -> pb.ListTensorsRequest:
    return pb.ListTensorsRequest(parent="projects/default", digest=manifest.digest, path=PATH, **fields)


async def test_a_tensor_is_read_by_its_name_whole_or_in_part_beside_plain_ranges(client) -> None:
    manifest = await _push(client, _header({"weight": WEIGHT, "none": b"", "bias": BIAS}), WEIGHT, BIAS)
    ranges = [
        pb.ByteRange(path=PATH, tensor="bias"),
        pb.ByteRange(path="notes.txt"),
        pb.ByteRange(path=PATH, tensor="weight"),
        pb.ByteRange(path=PATH, tensor="weight", offset=MIB - 1, length=3),
        pb.ByteRange(path=PATH, tensor="none"),
        pb.ByteRange(path=PATH, tensor="bias", offset=20),
        pb.ByteRange(path=PATH, tensor="bias", offset=24),
    ]
    expected = [BIAS, b"hello", WEIGHT, WEIGHT[MIB - 1 : MIB + 2], b"", BIAS[20:], b""]
    assert await _read(client, manifest, *ranges) == expected


async def test_the_tensors_of_a_file_are_listed_page_by_page(client) -> None:
    header = _header({f"layer.{number}": b"" for number in range(250)} | {"bias": BIAS})
    manifest = await _push(client, header, BIAS)
    request, listed = _list(manifest), []
    while True:
        answer = await client.call("ListTensors", request)
        listed += answer.tensors
        if not answer.next_page_token:
            break
        assert len(answer.tensors) == 100
        request.page_token = answer.next_page_token
    assert len({tensor.name for tensor in listed}) == 251
    (bias,) = (tensor for tensor in listed if tensor.name == "bias")
    assert bias == pb.Tensor(name="bias", dtype="U8", shape=[24], offset=len(header), size=24, path=PATH)


@pytest.mark.parametrize(
    ("wanted", "code", "reason"),
    [
        (pb.ByteRange(path=PATH, tensor="absent"), "NOT_FOUND", "TENSOR_NOT_FOUND"),
        (pb.ByteRange(path="absent", tensor="bias"), "NOT_FOUND", "FILE_NOT_FOUND"),
        (pb.ByteRange(path="notes.txt", tensor="bias"), "FAILED_PRECONDITION", "HEADER_INVALID"),
        (pb.ByteRange(path=PATH, tensor="bias", offset=25), "INVALID_ARGUMENT", "INVALID_FIELD"),
        (pb.ByteRange(path=PATH, tensor="bias", offset=-1), "INVALID_ARGUMENT", "INVALID_FIELD"),
        (pb.ByteRange(path=PATH, tensor="bias", length=25), "INVALID_ARGUMENT", "INVALID_FIELD"),
        (pb.ByteRange(path=PATH, tensor="bias", offset=1, length=2**63 - 1), "INVALID_ARGUMENT", "INVALID_FIELD"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_before_the_first_byte(
    client, wanted: pb.ByteRange, code: str, reason: str
) -> None:
    manifest = await _push(client, _header({"bias": BIAS}), BIAS)
    request = pb.ReadRangesRequest(
        parent="projects/default", digest=manifest.digest, ranges=[pb.ByteRange(path="notes.txt"), wanted]
    )
    with pytest.raises(client.Refused) as refused:
        await client.drain(client.stub.ReadRanges(request, metadata=client.token, timeout=60))
    assert (refused.value.code.name, refused.value.reason) == (code, reason)


async def test_a_header_larger_than_what_is_kept_is_read_each_time(client) -> None:
    manifest = await _push(client, _header({"bias": BIAS}, note="x" * (MAX_KEPT_BYTES + 1)), BIAS)
    wanted = pb.ByteRange(path=PATH, tensor="bias")
    assert await _read(client, manifest, wanted, wanted) == [BIAS, BIAS]


async def test_another_project_learns_nothing(client) -> None:
    manifest = await _push(client, _header({"bias": BIAS}), BIAS)
    request = _list(manifest)
    request.parent = "projects/other"
    with pytest.raises(client.Refused) as refused:
        await client.call("ListTensors", request)
    assert refused.value.reason == "MANIFEST_NOT_FOUND"


async def test_a_damaged_header_is_told_as_damage(client) -> None:
    header = _header({"bias": BIAS})
    manifest = await _push(client, header, BIAS)
    path = client.blob_path(header)
    path.unlink()
    path.write_bytes(header[:-1] + b"]")
    with pytest.raises(client.Refused) as refused:
        await client.call("ListTensors", _list(manifest))
    assert (refused.value.code.name, refused.value.reason) == ("DATA_LOSS", "BYTES_DAMAGED")
