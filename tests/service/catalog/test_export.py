"""Exported documents: valid by the official schema, the same every time, and free of markup people smuggle in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from grpc import StatusCode
from harness.api import Api, refused, sha256
from markdown_it import MarkdownIt
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb

HOSTILE = """\
---
evil: [1
# heading <script>alert(1)</script> &amp; ![x](http://e/x.png) [l](javascript:1)
| a | b |
```
* item _em_ **strong** `code` ~~gone~~ $math$ "quoted' \\ backslash
1. one
    indented\ttabbed
<!-- comment --> https://example.org/ www.example.org a@example.org
\u202e turned \u2028 separated \u00ad \U0001f9ea 模型: {a: b}, &anchor *alias !tag %YAML @at `tick`
..."""


def export(api: Api, name: str, export_format: int) -> pb.ExportedVersion:
    return api.metadata.ExportVersion(pb.ExportVersionRequest(name=name, format=export_format))


def bom(api: Api, name: str) -> dict[str, Any]:
    """The bill of materials, valid by the official schema."""
    text = export(api, name, pb.EXPORT_FORMAT_CYCLONEDX).content.decode()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error.data.message
    return json.loads(text)


def card(api: Api, name: str) -> tuple[dict[str, Any], str]:
    """Head and body of the model card."""
    text = export(api, name, pb.EXPORT_FORMAT_MODEL_CARD).content.decode()
    empty, head, body = text.split("---\n", 2)
    assert empty == ""
    return yaml.safe_load(head), body


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {one["name"].removeprefix("muniment:"): one["value"] for one in component["properties"]}


@pytest.fixture
def reader(api: Api) -> Iterator[Api]:
    """A caller who sees this test's project alone."""
    with api.as_caller(api.new_token("reader")) as caller:
        yield caller


@pytest.fixture
def version(api: Api) -> catalog.Version:
    """A version with everything a version can have, a parent and a grandparent."""
    api.new_model("base")
    api.new_model("churn")
    first = api.new_version("base")
    second = api.new_version("base", parents=[catalog.Parent(version=first.name)])
    relation = catalog.PARENT_RELATION_FINETUNED
    return api.new_version(
        "churn",
        {"model.bin": b"123", "größe/b.json": b"{}"},
        description="Predicts churn.",
        tags={"team": "risk", "empty": ""},
        params={"lr": catalog.ParamValue(number=1e-05), "kind": catalog.ParamValue(text="tree")},
        metrics=[
            catalog.Metric(key="f1", value=0.91, dataset="holdout"),
            catalog.Metric(key="loss", value=math.inf),
            catalog.Metric(key="nan", value=math.nan, step=3),
        ],
        datasets=[
            catalog.Dataset(name="d", version="2", digest=sha256(b"d"), uri="s3://bucket/d", role="train"),
            catalog.Dataset(name="d", uri="somewhere on the shelf", role="holdout"),
        ],
        parents=[catalog.Parent(version=second.name, relation=relation)] * 2,
        code=catalog.Code(repository="https://h/r.git", commit="c0ffee", dirty=True, entry_point="train.py"),
        run=catalog.Run(id="run-1", uri="https://h/runs/1"),
        environment=catalog.Environment(
            python="3.11.2", platform="Linux", host="h", packages={"Some_Pkg": "1.0", "odd pkg": "?"}
        ),
        processing_steps=[catalog.ProcessingStep(name="scale", description="to 0…1")],
    )


def test_a_bill_of_materials_tells_everything_and_is_valid(api: Api, version: catalog.Version) -> None:
    found = bom(api, version.name)
    model = found["metadata"]["component"]
    assert (model["type"], model["group"], model["name"], model["version"]) == (
        "machine-learning-model",
        api.project,
        "churn",
        "1",
    )
    assert model["hashes"] == [{"alg": "SHA-256", "content": version.digest[7:]}]
    assert model["description"] == "Predicts churn."
    files = {file["name"]: file["hashes"][0]["content"] for file in model["components"]}
    assert files == {"model.bin": sha256(b"123")[7:], "größe/b.json": sha256(b"{}")[7:]}
    told = properties(model)
    assert (told["tag:team"], told["tag:empty"], told["run:id"]) == ("risk", "", "run-1")
    assert (told["code:dirty"], told["step:1"]) == ("true", "scale: to 0…1")
    datasets = [one for one in found["components"] if one["type"] == "data"]
    assert [one["name"] for one in datasets] == ["d", "d"]
    assert datasets[0]["data"][0]["contents"] == {"url": "s3://bucket/d"}
    assert "contents" not in datasets[1]["data"][0]
    assert [properties(one)["uri"] for one in datasets] == ["s3://bucket/d", "somewhere on the shelf"]
    assert model["modelCard"]["modelParameters"]["datasets"] == [{"ref": one["bom-ref"]} for one in datasets]
    assert properties(model["modelCard"]) == {"param:lr": "1e-05", "param:kind": "tree"}
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "f1", "value": "0.91", "slice": "holdout"},
        {"type": "loss", "value": "Infinity"},
        {"type": "nan", "value": "NaN"},
    ]
    pedigree = model["pedigree"]
    assert pedigree["commits"] == [{"uid": "c0ffee", "url": "https://h/r.git"}]
    assert [(one["version"], properties(one)) for one in pedigree["ancestors"]] == [
        ("2", {"distance": "1", "relation": "finetuned"}),
        ("1", {"distance": "2"}),
    ]
    packages = {one["name"]: one.get("purl") for one in found["components"] if one["type"] == "library"}
    assert packages == {"Some_Pkg": "pkg:pypi/some-pkg@1.0", "odd pkg": None}


def test_a_bill_of_materials_of_next_to_nothing_is_valid(api: Api) -> None:
    api.new_model("m")
    found = bom(api, api.new_version("m").name)
    assert "pedigree" not in found["metadata"]["component"]


def test_the_same_record_makes_the_same_bytes_and_another_one_another_serial_number(
    api: Api, version: catalog.Version
) -> None:
    for export_format in (pb.EXPORT_FORMAT_CYCLONEDX, pb.EXPORT_FORMAT_MODEL_CARD):
        assert export(api, version.name, export_format) == export(api, version.name, export_format)
    before = bom(api, version.name)["serialNumber"]
    api.metadata.AddMetrics(
        pb.AddMetricsRequest(version=version.name, metrics=[catalog.Metric(key="f1", value=1)])
    )
    assert bom(api, version.name)["serialNumber"] != before


def test_documents_have_a_media_type_and_a_name(api: Api, version: catalog.Version) -> None:
    found = export(api, version.name, pb.EXPORT_FORMAT_CYCLONEDX)
    assert found.media_type == "application/vnd.cyclonedx+json; version=1.6"
    assert found.file_name == "churn-1.cdx.json"
    found = export(api, version.name, pb.EXPORT_FORMAT_MODEL_CARD)
    assert (found.media_type, found.file_name) == ("text/markdown; charset=utf-8", "churn-1.md")


def test_a_model_card_has_a_head_for_programs_and_a_body_for_people(
    api: Api, version: catalog.Version
) -> None:
    head, body = card(api, version.name)
    assert head["model_name"] == "churn"
    assert head["tags"] == ["empty", "team:risk"]
    assert head["datasets"] == ["d"]
    assert head["metrics"] == ["f1", "loss", "nan"]
    (base,) = head["base_model"]
    assert base == f"{api.parent()}/models/base/versions/2"
    assert head["muniment"]["digest"] == version.digest
    assert head["muniment"]["number"] == 1
    results = {one["dataset"]["name"]: one["metrics"] for one in head["model-index"][0]["results"]}
    assert results["holdout"] == [{"type": "f1", "value": 0.91}]
    assert results["not told"][0]["value"] == math.inf
    assert math.isnan(results["not told"][1]["value"])
    page = MarkdownIt("gfm-like", {"linkify": False}).render(body)
    assert "<h1>churn, version 1</h1>" in page
    for section in (
        "Identity",
        "Metrics",
        "Data sets",
        "Parameters",
        "Made from",
        "Made by",
        "Tags",
        "Files",
    ):
        assert f"<h2>{section}</h2>" in page
    assert "<td>0.91</td>" in page
    assert "<td>größe/b.json</td>" in page
    assert "<code>sha256:" in page


def test_text_that_people_recorded_stays_text(api: Api) -> None:
    api.new_model("m")
    name = api.new_version(
        "m",
        description=HOSTILE,
        tags={"k": HOSTILE},
        params={HOSTILE[:200]: catalog.ParamValue(text=HOSTILE)},
        metrics=[catalog.Metric(key=HOSTILE[:200], value=1, dataset=HOSTILE[:200])],
        datasets=[catalog.Dataset(name=HOSTILE[:200], version=HOSTILE[:200], uri=HOSTILE, role=HOSTILE[:60])],
        code=catalog.Code(repository=HOSTILE, commit=HOSTILE[:100], entry_point=HOSTILE),
        run=catalog.Run(id=HOSTILE[:200], uri=HOSTILE),
        environment=catalog.Environment(python=HOSTILE[:60], packages={HOSTILE[:200]: HOSTILE[:200]}),
        processing_steps=[catalog.ProcessingStep(name=HOSTILE[:200], description=HOSTILE)],
    ).name
    model = bom(api, name)["metadata"]["component"]
    assert model["description"] == HOSTILE
    assert properties(model)["tag:k"] == HOSTILE
    head, body = card(api, name)
    assert head["tags"] == [f"k:{HOSTILE}"]
    assert head["datasets"] == [HOSTILE[:200]]
    assert set(head) == {"model_name", "tags", "datasets", "metrics", "model-index", "muniment"}
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(body)
    inline = [child for token in tokens for child in token.children or ()]
    made = {token.type.removesuffix("_open").removesuffix("_close") for token in (*tokens, *inline)}
    # What the card itself is made of, and nothing else: no links, images, emphasis, code blocks or HTML.
    assert made <= {
        *("heading", "inline", "paragraph", "text", "hardbreak", "softbreak", "code_inline"),
        *("table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "text_special"),
    }
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == [
        *("m, version 1", "Identity", "Metrics", "Data sets", "Parameters"),
        *("Made by", "Tags", "Files"),
    ]
    assert "\u202e" not in body
    assert "\u2028" not in body
    assert "模型" in body


def test_ancestors_that_may_not_be_read_are_counted_and_not_named(api: Api, reader: Api) -> None:
    elsewhere = api.new_project()
    api.new_model("secret", project=elsewhere)
    hidden = api.new_version("secret", project=elsewhere)
    api.new_model("m")
    name = api.new_version("m", parents=[catalog.Parent(version=hidden.name)]).name
    assert bom(api, name)["metadata"]["component"]["pedigree"]["ancestors"][0]["name"] == "secret"
    pedigree = bom(reader, name)["metadata"]["component"]["pedigree"]
    assert pedigree == {"notes": "1 more in projects that are not disclosed."}
    head, body = card(reader, name)
    assert "base_model" not in head
    assert "1 more in projects that are not disclosed" in body
    for export_format in (pb.EXPORT_FORMAT_CYCLONEDX, pb.EXPORT_FORMAT_MODEL_CARD):
        content = export(reader, name, export_format).content.decode()
        assert elsewhere not in content
        assert "secret" not in content


def test_a_tombstone_can_be_exported(api: Api) -> None:
    api.new_model("m")
    name = api.new_version("m").name
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=name))
    assert properties(bom(api, name)["metadata"]["component"])["state"] == "DELETED"
    assert card(api, name)[0]["muniment"]["state"] == "DELETED"


def test_a_format_is_required_and_the_version_must_exist(api: Api) -> None:
    api.new_model("m")
    name = api.new_version("m").name
    for unknown in (pb.EXPORT_FORMAT_UNSPECIFIED, 99):
        request = pb.ExportVersionRequest(name=name, format=unknown)
        why = refused(api.metadata.ExportVersion, request)
        assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "format"})
    missing = pb.ExportVersionRequest(name=name + "0", format=pb.EXPORT_FORMAT_CYCLONEDX)
    assert refused(api.metadata.ExportVersion, missing).reason == "VERSION_NOT_FOUND"
