"""Questions across versions in the SDK: diff, lineage, export, what was meant then; and what may change."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from muniment import Dataset, Metric, Parent, Registry, Version, errors

Push = Callable[..., Version]


@pytest.fixture
def push(registry: Registry, tmp_path: Path) -> Push:
    """Pushes a small file of its own."""

    def make(model: str, content: bytes = b"1", **record: object) -> Version:
        path = tmp_path / "model.bin"
        path.write_bytes(content)
        return registry.push(model, path, progress=False, **record)  # type: ignore[arg-type]

    return make


def test_diff_tells_what_differs(registry: Registry, push: Push) -> None:
    a = push("m", b"1", params={"lr": 0.1, "same": 1}, metrics={"f1": 0.5, "loss": math.nan}, tags={"t": "1"})
    b = push("m", b"22", params={"lr": "high", "same": 1}, metrics={"f1": 0.75}, parents=[a])
    found = registry.diff(a, "m@2")
    assert (found.a.name, found.b.name) == (a.name, b.name)
    assert [(one.key, one.kind, one.a, one.b) for one in found.params] == [("lr", "CHANGED", 0.1, "high")]
    f1, loss = found.metrics
    assert (f1.kind, f1.less, f1.b and f1.b.value) == ("CHANGED", 0.25, 0.75)
    assert (loss.kind, loss.b, loss.less) == ("REMOVED", None, None)
    assert [(one.kind, one.a, one.b) for one in found.parents] == [("ADDED", None, Parent(a.name))]
    (file,) = found.files
    assert (file.key, file.a and file.a.size_bytes, file.b and file.b.size_bytes) == ("model.bin", 1, 2)
    assert found.file_counts is not None
    assert (found.file_counts.changed, found.file_counts.new_bytes) == (1, 2)
    assert [one.key for one in registry.diff(a, b, include_equal=True).params] == ["lr", "same"]
    with pytest.raises(errors.VersionNotFound):
        registry.diff(a, "m@9")


def test_lineage_is_a_graph_of_nodes_and_edges(registry: Registry, push: Push) -> None:
    base = push("base", datasets=[Dataset("crawl", "1"), Dataset("eval", role="holdout")])
    child = push("app", parents=[Parent("base", "FINETUNED")])
    up = registry.lineage("app")
    assert up.versions == (child.name, base.name)
    assert [(node.kind, node.distance, node.name) for node in up.nodes][:2] == [
        ("version", 0, child.name),
        ("version", 1, base.name),
    ]
    edge = up.edges[0]
    assert (edge.source, edge.target, edge.kind, edge.relation) == (0, 1, "DERIVED_FROM", "FINETUNED")
    used = {up.nodes[one.target].name: one.role for one in up.edges if one.kind == "USED_DATASET"}
    assert used == {"crawl": "train", "eval": "holdout"}
    assert registry.lineage(base, direction="downstream").versions == (base.name, child.name)
    assert registry.lineage(dataset="crawl", dataset_version="1", depth=1).versions[-1] == base.name
    cut = registry.lineage(child, depth=1, max_nodes=2)
    assert cut.truncated
    assert not registry.lineage(dataset="unknown").nodes
    empty = Dataset("d", digest="sha256:" + "a" * 64)
    push("other", datasets=[empty])
    (data, *_) = registry.lineage(digest=empty.digest).nodes
    assert (data.kind, data.digest) == ("dataset", empty.digest)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"version": "m", "dataset": "d"},
        {"dataset": "d", "commit": "c"},
        {"version": "m@1", "direction": "sideways"},
        {"version": "m@1", "depth": 2**40},
        {"version": "m@1", "depth": "deep"},
        {"version": "m@1", "depth": 101},
        {"dataset_version": "1"},
    ],
    ids=str,
)
def test_lineage_of_nothing_or_of_two_things_is_refused(
    registry: Registry, arguments: dict[str, object]
) -> None:
    with pytest.raises(errors.InvalidArgument):
        registry.lineage(**arguments)  # type: ignore[arg-type]


def test_export_answers_with_a_document(registry: Registry, push: Push) -> None:
    version = push("m", metrics={"f1": 0.5})
    bom = registry.export(version, format="cyclonedx")
    assert json.loads(bom.content)["bomFormat"] == "CycloneDX"
    assert (bom.media_type, bom.file_name) == ("application/vnd.cyclonedx+json; version=1.6", "m-1.cdx.json")
    assert registry.export("m", format="card").content.startswith(b"---\n")
    with pytest.raises(errors.InvalidArgument, match=r"format 'pdf' is not one of cyclonedx, card"):
        registry.export("m", format="pdf")  # type: ignore[arg-type]


def test_show_answers_what_a_selector_meant_then(registry: Registry, push: Push) -> None:
    first, second = push("m"), push("m")
    assert registry.show("m", at=first.create_revision).number == 1
    assert registry.show("m@2", at=second.create_revision).number == 2
    assert second.create_time is not None
    assert registry.show("m", at=second.create_time).number == 2
    assert registry.show("m", at=second.create_time.astimezone()).number == 2
    with pytest.raises(errors.VersionNotFound):
        registry.show("m@2", at=first.create_revision)
    with pytest.raises(errors.InvalidArgument):
        registry.show("m", at=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(errors.InvalidArgument, match="has no time zone"):
        registry.show("m", at=datetime(2026, 1, 1))
    for revision in (0, 2**70, "yesterday"):
        with pytest.raises(errors.InvalidArgument):
            registry.show("m", at=revision)  # type: ignore[arg-type]


def test_versions_and_models_can_be_deleted_for_good(registry: Registry, push: Push) -> None:
    first, second = push("m"), push("m", parents=["m@1"])
    with pytest.raises(errors.InUse):
        registry.delete_version(first)
    with pytest.raises(errors.EtagMismatch):
        registry.delete_version(second, etag="r0")
    assert registry.delete_version("m@2", etag=second.etag).state == "DELETED"
    assert registry.delete_version(first).state == "DELETED"
    assert push("m").number == 3
    assert registry.delete_model("m").state == "DELETED"
    with pytest.raises(errors.ModelNotFound):
        registry.model("m")


def test_metrics_read_from_the_registry_equal_those_made_here(registry: Registry, push: Push) -> None:
    push("m")
    (added,) = registry.add_metrics("m@1", [Metric("f1", 0.5, step=3, dataset="holdout")])
    assert added.message is not None
    assert added == Metric("f1", 0.5, 3, "holdout", added.reporter, added.measure_time)
