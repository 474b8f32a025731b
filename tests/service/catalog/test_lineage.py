"""Lineage: what a version came from and what came of it, over data sets, code and models, without leaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from grpc import StatusCode
from harness.api import Api, refused, sha256
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import lineage_pb2 as lineage
from muniment.v1 import metadata_service_pb2 as pb

UP, DOWN = lineage.LINEAGE_DIRECTION_UPSTREAM, lineage.LINEAGE_DIRECTION_DOWNSTREAM
BOTH = lineage.LINEAGE_DIRECTION_BOTH
DIGEST = sha256(b"the data")


def child_of(api: Api, model: str, *parents: str, project: str | None = None, **fields: Any) -> str:
    """Registers a version made from others; returns its name."""
    edges = [catalog.Parent(version=parent) for parent in parents]
    return api.new_version(model, project=project, parents=edges, **fields).name


def ask(api: Api, root: Any, direction: int = 0, **fields: Any) -> lineage.Lineage:
    kind = {str: "version", pb.DatasetRoot: "dataset", pb.CodeRoot: "code"}[type(root)]
    request = pb.GetLineageRequest(parent=api.parent(), direction=direction, **{kind: root}, **fields)
    return api.metadata.GetLineage(request)


@pytest.fixture
def reader(api: Api) -> Iterator[Api]:
    """A caller who sees this test's project alone."""
    with api.as_caller(api.new_token("reader")) as caller:
        yield caller


def label(node: lineage.LineageNode) -> str:
    """A node in a few letters: its model and number, or what else it is."""
    match node.WhichOneof("kind"):
        case "version":
            _, _, _, model, _, number = node.version.name.split("/")
            return f"{model}@{number}"
        case "dataset":
            return f"data {node.dataset.name} {node.dataset.version}".strip()
        case "code":
            return f"code {node.code.repository} {node.code.commit}".strip()
        case "run":
            return f"run {node.run.id}"
        case _:
            return "hidden"


def labels(found: lineage.Lineage) -> dict[str, int]:
    return {label(node): node.distance for node in found.nodes}


def edges(found: lineage.Lineage) -> set[tuple[str, str]]:
    return {(label(found.nodes[edge.source]), label(found.nodes[edge.target])) for edge in found.edges}


@pytest.fixture
def family(api: Api) -> dict[str, str]:
    """base ← (left, right) ← merged ← leaf over two models, with data, code and runs."""
    api.new_model("base")
    api.new_model("app")
    data = catalog.Dataset(name="crawl", version="1", digest=DIGEST)
    base = child_of(api, "base", datasets=[data], code=catalog.Code(repository="https://h/r", commit="c0"))
    left = child_of(api, "app", base, datasets=[catalog.Dataset(name="ours", version="1")])
    right = child_of(
        api,
        "app",
        base,
        datasets=[
            catalog.Dataset(name="ours", version="2"),
            catalog.Dataset(name="crawl", version="1", digest=DIGEST, role="holdout"),
        ],
        code=catalog.Code(commit="c1"),
        run=catalog.Run(id="run-7"),
    )
    merged = child_of(api, "app", left, right)
    leaf = child_of(api, "app", merged)
    return {"base": base, "left": left, "right": right, "merged": merged, "leaf": leaf}


def test_upstream_reaches_parents_data_code_and_runs_across_models(api: Api, family: dict[str, str]) -> None:
    found = ask(api, family["leaf"])
    assert labels(found) == {
        "app@4": 0,
        "app@3": 1,
        "app@1": 2,
        "app@2": 2,
        "base@1": 3,
        "data ours 1": 3,
        "data ours 2": 3,
        "data crawl 1": 3,
        "code  c1": 3,
        "run run-7": 3,
        "code https://h/r c0": 4,
    }
    assert not found.truncated
    distances = [node.distance for node in found.nodes]
    assert distances == sorted(distances)
    assert edges(found) == {
        ("app@4", "app@3"),
        ("app@3", "app@1"),
        ("app@3", "app@2"),
        ("app@1", "base@1"),
        ("app@2", "base@1"),
        ("app@1", "data ours 1"),
        ("app@2", "data ours 2"),
        ("app@2", "data crawl 1"),
        ("base@1", "data crawl 1"),
        ("app@2", "code  c1"),
        ("app@2", "run run-7"),
        ("base@1", "code https://h/r c0"),
    }
    roles = {
        (label(found.nodes[edge.source]), edge.role)
        for edge in found.edges
        if edge.kind == lineage.LINEAGE_EDGE_KIND_USED_DATASET
    }
    assert {("base@1", "train"), ("app@2", "holdout")} <= roles
    kinds = {edge.kind for edge in found.edges}
    assert kinds == set(lineage.LineageEdgeKind.values()) - {0}


def test_downstream_of_a_base_model_are_its_descendants_in_every_model(
    api: Api, family: dict[str, str]
) -> None:
    found = ask(api, family["base"], DOWN)
    assert labels(found) == {"base@1": 0, "app@1": 1, "app@2": 1, "app@3": 2, "app@4": 3}
    assert all(edge.relation == catalog.PARENT_RELATION_DERIVED for edge in found.edges)
    assert len(found.edges) == 5


def test_both_directions_start_from_the_root_and_do_not_wander(api: Api, family: dict[str, str]) -> None:
    found = labels(ask(api, family["left"], BOTH))
    assert found["app@3"] == found["base@1"] == found["data ours 1"] == 1
    assert found["app@4"] == found["data crawl 1"] == 2
    # A sister is neither above nor below.
    assert "app@2" not in found


def test_a_version_knows_its_relation_stage_and_state(api: Api, family: dict[str, str]) -> None:
    quantized = api.new_version(
        "app",
        parents=[catalog.Parent(version=family["leaf"], relation=catalog.PARENT_RELATION_QUANTIZED)],
    )
    api.metadata.DeleteVersion(pb.DeleteVersionRequest(name=quantized.name))
    found = ask(api, family["leaf"], DOWN)
    (edge,) = found.edges
    assert edge.relation == catalog.PARENT_RELATION_QUANTIZED
    gone = found.nodes[edge.source].version
    assert (gone.state, gone.digest) == (catalog.VERSION_STATE_DELETED, quantized.digest)
    assert gone.create_time == quantized.create_time


def test_which_versions_were_trained_on_a_data_set_is_answered_by_name_version_and_digest(
    reader: Api, family: dict[str, str]
) -> None:
    def users(root: pb.DatasetRoot) -> dict[str, int]:
        return labels(ask(reader, root, depth=1))

    assert users(pb.DatasetRoot(name="crawl")) == {"data crawl 1": 0, "base@1": 1, "app@2": 1}
    assert users(pb.DatasetRoot(digest=DIGEST)) == users(pb.DatasetRoot(name="crawl", digest=DIGEST))
    assert users(pb.DatasetRoot(name="ours")) == {
        "data ours 1": 0,
        "data ours 2": 0,
        "app@1": 1,
        "app@2": 1,
    }
    assert users(pb.DatasetRoot(name="ours", version="2")) == {"data ours 2": 0, "app@2": 1}
    assert users(pb.DatasetRoot(name="ours", digest=DIGEST)) == {}
    everything = ask(reader, pb.DatasetRoot(name="ours", version="1"))
    assert labels(everything) == {"data ours 1": 0, "app@1": 1, "app@3": 2, "app@4": 3}
    # Nothing is above a data set.
    assert labels(ask(reader, pb.DatasetRoot(name="ours"), UP)) == {"data ours 1": 0, "data ours 2": 0}


def test_which_versions_a_commit_built_is_answered(reader: Api, family: dict[str, str]) -> None:
    found = ask(reader, pb.CodeRoot(commit="c0"))
    assert labels(found)["code https://h/r c0"] == 0
    assert labels(found)["base@1"] == 1
    assert labels(found)["app@4"] == 4
    assert found.edges[0].kind == lineage.LINEAGE_EDGE_KIND_BUILT_BY_CODE
    assert labels(ask(reader, pb.CodeRoot(commit="c0", repository="https://elsewhere"))) == {}


def test_the_depth_cuts_the_graph_and_says_so_only_when_something_is_beyond(
    api: Api, family: dict[str, str]
) -> None:
    found = ask(api, family["leaf"], depth=1)
    assert (labels(found), found.truncated) == ({"app@4": 0, "app@3": 1}, True)
    assert not ask(api, family["leaf"], depth=4).truncated
    assert ask(api, family["leaf"], depth=3).truncated
    assert not ask(api, family["base"], DOWN, depth=3).truncated
    assert ask(api, family["base"], DOWN, depth=2).truncated


def test_the_number_of_nodes_is_bounded_and_edges_lead_only_to_nodes_that_are_there(
    reader: Api, family: dict[str, str]
) -> None:
    for most in range(1, 12):
        found = ask(reader, family["leaf"], max_nodes=most)
        assert len(found.nodes) == most
        assert found.truncated == (most < 11)
        assert all(edge.source < most and edge.target < most for edge in found.edges)
    found = ask(reader, pb.DatasetRoot(name="ours"), max_nodes=1)
    assert (len(found.nodes), found.truncated) == (1, True)


def test_diamonds_end_and_name_every_node_and_edge_once(api: Api) -> None:
    api.new_model("m")
    layer = [child_of(api, "m") for _ in range(3)]
    for _ in range(6):
        layer = [child_of(api, "m", *layer, *layer) for _ in range(3)]
    bottom = child_of(api, "m", *layer)
    found = ask(api, bottom, depth=100)
    assert len(found.nodes) == 22
    assert len(found.edges) == 6 * 9 + 3 == len({(edge.source, edge.target) for edge in found.edges})
    assert not found.truncated


def test_a_version_cannot_name_itself_or_a_later_one_so_there_are_no_cycles(api: Api) -> None:
    model = api.new_model("m")
    digest = api.commit({"f": b"1"})
    for number in (1, 2, 99):
        parent = catalog.Parent(version=f"{model}/versions/{number}")
        request = pb.CreateVersionRequest(
            parent=model, version=catalog.Version(digest=digest, parents=[parent])
        )
        why = refused(api.metadata.CreateVersion, request)
        assert why == (StatusCode.NOT_FOUND, "VERSION_NOT_FOUND", {"version": parent.version})
    # The refused ones took no number, and parents are frozen: no mask names them.
    first = child_of(api, "m")
    assert first.endswith("/versions/1")
    second = child_of(api, "m", first)
    close = pb.UpdateVersionRequest(
        name=first, version=catalog.Version(parents=[catalog.Parent(version=second)])
    )
    close.update_mask.paths.append("parents")
    why = refused(api.metadata.UpdateVersion, close)
    assert why == (StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "update_mask"})


@pytest.fixture
def border(api: Api) -> dict[str, str]:
    """ours@1 ← theirs@1 ← ours@2, theirs in a project readers of ours have no role in."""
    elsewhere = api.new_project()
    api.new_model("ours")
    api.new_model("theirs", project=elsewhere)
    data = catalog.Dataset(name=f"d-{api.project}")
    top = child_of(api, "ours", datasets=[data])
    code = catalog.Code(commit=f"c-{api.project}")
    middle = child_of(api, "theirs", top, project=elsewhere, datasets=[data], code=code)
    bottom = child_of(api, "ours", middle, middle, code=code)
    return {"elsewhere": elsewhere, "top": top, "middle": middle, "bottom": bottom}


def test_of_a_parent_that_may_not_be_read_only_its_presence_is_told(
    api: Api, reader: Api, border: dict[str, str]
) -> None:
    found = ask(reader, border["bottom"])
    assert [label(node) for node in found.nodes] == ["ours@2", "hidden", f"code  c-{api.project}"]
    hidden = found.nodes[1]
    assert hidden == lineage.LineageNode(distance=1)
    assert border["elsewhere"] not in str(found)
    assert "theirs" not in str(found)
    # Whoever may read both sees through.
    assert labels(ask(api, border["bottom"]))["ours@1"] == 2


def test_a_child_that_may_not_be_read_does_not_appear(api: Api, reader: Api, border: dict[str, str]) -> None:
    assert labels(ask(reader, border["top"], DOWN)) == {"ours@1": 0}
    assert not ask(reader, border["top"], DOWN).truncated
    data = ask(reader, pb.DatasetRoot(name=f"d-{api.project}"))
    assert labels(data) == {f"data d-{api.project}": 0, "ours@1": 1}
    assert labels(ask(reader, pb.CodeRoot(commit=f"c-{api.project}")))["ours@2"] == 1
    assert len(ask(reader, pb.CodeRoot(commit=f"c-{api.project}")).nodes) == 2
    assert labels(ask(api, border["top"], DOWN)) == {"ours@1": 0, "theirs@1": 1, "ours@2": 2}


def test_a_root_that_may_not_be_read_does_not_exist(api: Api, reader: Api, border: dict[str, str]) -> None:
    for name in (border["middle"], border["top"] + "0", "projects/no-such/models/m/versions/1"):
        request = pb.GetLineageRequest(parent=api.parent(), version=name)
        why = refused(reader.metadata.GetLineage, request)
        assert why == (StatusCode.NOT_FOUND, "VERSION_NOT_FOUND", {"version": name})


def test_the_version_that_keeps_another_from_going_is_named_only_to_those_who_may_read_it(
    api: Api, border: dict[str, str]
) -> None:
    version = pb.DeleteVersionRequest(name=border["top"])
    model = pb.DeleteModelRequest(name=border["top"].rpartition("/versions/")[0])
    with api.as_caller(api.new_token("writer")) as writer:
        for caller, user in (
            (writer, "a descendant in another project"),
            (api, f"its descendant {border['middle']}"),
        ):
            for call, request in (
                (caller.metadata.DeleteVersion, version),
                (caller.metadata.DeleteModel, model),
            ):
                why = refused(call, request)
                assert why == (
                    StatusCode.FAILED_PRECONDITION,
                    "IN_USE",
                    {"resource": border["top"], "user": user},
                )


def test_runs_of_the_same_id_are_one_in_a_project_and_two_in_two(api: Api) -> None:
    elsewhere = api.new_project()
    api.new_model("m")
    api.new_model("m", project=elsewhere)
    run = catalog.Run(id="1")
    first = child_of(api, "m", run=run)
    foreign = child_of(api, "m", project=elsewhere, run=run)
    last = child_of(api, "m", first, foreign, run=run)
    runs = [node.run for node in ask(api, last).nodes if node.WhichOneof("kind") == "run"]
    assert {(each.id, each.project) for each in runs} == {("1", api.parent()), ("1", api.parent(elsewhere))}
    assert len(runs) == 2


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({}, "INVALID_FIELD", "root"),
        ({"version": "m@1"}, "INVALID_NAME", "version"),
        ({"dataset": pb.DatasetRoot(version="1")}, "INVALID_FIELD", "dataset"),
        ({"dataset": pb.DatasetRoot(name="d", digest="md5:1")}, "INVALID_FIELD", "dataset.digest"),
        ({"dataset": pb.DatasetRoot(name="d" * 251)}, "LIMIT_EXCEEDED", "dataset.name"),
        ({"dataset": pb.DatasetRoot(name="a\x00")}, "INVALID_FIELD", "dataset.name"),
        ({"code": pb.CodeRoot(repository="r")}, "INVALID_FIELD", "code.commit"),
        ({"code": pb.CodeRoot(commit="c" * 129)}, "LIMIT_EXCEEDED", "code.commit"),
        ({"code": pb.CodeRoot(commit="c"), "depth": -1}, "INVALID_FIELD", "depth"),
        ({"code": pb.CodeRoot(commit="c"), "depth": 101}, "INVALID_FIELD", "depth"),
        ({"code": pb.CodeRoot(commit="c"), "max_nodes": 5_001}, "INVALID_FIELD", "max_nodes"),
        ({"code": pb.CodeRoot(commit="c"), "direction": 9}, "INVALID_FIELD", "direction"),
    ],
    ids=str,
)
def test_a_question_that_makes_no_sense_is_refused(
    api: Api, fields: dict[str, Any], reason: str, field: str
) -> None:
    why = refused(api.metadata.GetLineage, pb.GetLineageRequest(parent=api.parent(), **fields))
    assert (why.code, why.reason, why.facts["field"]) == (StatusCode.INVALID_ARGUMENT, reason, field)
