"""What a manifest says, byte for byte."""

from __future__ import annotations

import json
import random

from muniment.digests import Digest
from muniment_artifact.manifest import FileEntry, build_manifest, chunks_digest, read_chunk_map
from muniment_core.db.artifact_store import Chunk


def _file(path: str, *chunks: bytes) -> FileEntry:
    data = b"".join(chunks)
    parts = tuple(Chunk(Digest.of(chunk), len(chunk)) for chunk in chunks)
    return FileEntry(path, Digest.of(data), len(data), parts)


FILES = [_file("model.bin", b"abc", b"defg"), _file("LICENSE", b"free"), _file("dir/empty")]


def test_the_manifest_is_an_oci_image_manifest_of_the_modelpack_type() -> None:
    manifest = build_manifest(FILES)
    body = json.loads(manifest.record.body)
    assert manifest.record.digest == Digest.of(manifest.record.body)
    assert body == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.cncf.model.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.cncf.model.config.v1+json",
            "digest": Digest.of(manifest.config).text,
            "size": len(manifest.config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.cncf.model.weight.v1.raw",
                "digest": Digest.of(data).text,
                "size": len(data),
                "annotations": {"org.cncf.model.filepath": path},
            }
            for path, data in (("LICENSE", b"free"), ("dir/empty", b""), ("model.bin", b"abcdefg"))
        ],
    }


def test_the_config_has_what_the_model_format_requires_and_lists_the_layers_in_order() -> None:
    manifest = build_manifest(FILES)
    assert json.loads(manifest.config) == {
        "descriptor": {},
        "config": {},
        "modelfs": {
            "type": "layers",
            "diffIds": [Digest.of(data).text for data in (b"free", b"", b"abcdefg")],
        },
    }
    assert manifest.record.config_digest == Digest.of(manifest.config)


def test_the_bytes_of_the_manifest_are_pinned() -> None:
    digest = build_manifest(FILES).record.digest
    assert digest.text == "sha256:59b5503321acd10950a232111f9c61143866d05670660879598f887df48d2395"


def test_the_manifest_is_canonical_json() -> None:
    manifest = build_manifest([_file('q"uote/é.bin', b"x")])
    body = manifest.record.body
    assert (
        body
        == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_the_order_of_files_and_the_cuts_do_not_change_the_digest() -> None:
    shuffled = random.Random(1).sample(FILES, len(FILES))
    recut = [_file("model.bin", b"abcd", b"efg"), *FILES[1:]]
    digest = build_manifest(FILES).record.digest
    assert build_manifest(shuffled).record.digest == digest
    assert build_manifest(recut).record.digest == digest
    assert build_manifest(recut).record.chunk_map != build_manifest(FILES).record.chunk_map


def test_paths_and_bytes_change_the_digest() -> None:
    digests = {
        build_manifest(files).record.digest
        for files in (FILES, FILES[:2], [_file("other.bin", b"abc", b"defg"), *FILES[1:]])
    }
    assert len(digests) == 3


def test_the_chunk_map_gives_the_files_back_ordered_by_path() -> None:
    manifest = build_manifest(FILES)
    assert manifest.record.chunk_map == Chunk(Digest.of(manifest.chunk_map), len(manifest.chunk_map))
    assert read_chunk_map(manifest.chunk_map) == manifest.files
    assert [file.path for file in manifest.files] == ["LICENSE", "dir/empty", "model.bin"]
    assert (manifest.record.size_bytes, manifest.record.file_count) == (11, 3)


def test_the_digest_of_a_chunk_list_depends_on_order_and_sizes() -> None:
    one, two = Chunk(Digest.of(b"1"), 1), Chunk(Digest.of(b"2"), 1)
    lists = ([], [one], [one, two], [two, one], [one, one], [Chunk(one.digest, 2)])
    assert len({chunks_digest(chunks) for chunks in lists}) == len(lists)
