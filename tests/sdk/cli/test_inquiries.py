"""`diff`, `lineage`, `export`, `show --at` and the verbs that change what may change, as people use them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import comparison_pb2, lineage_pb2
from muniment.v1 import metadata_service_pb2 as pb

Run = Callable[..., subprocess.CompletedProcess[str]]
Done = Callable[..., str]
Objects = Callable[..., list[dict[str, object]]]


def cells(text: str) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in text.splitlines()]


def test_diff_shows_what_differs_side_by_side(done: Done, objects: Objects, weights: Path) -> None:
    first = ("--metric", "f1=0.5", "--param", "lr=0.1", "--param", "same=1", "--dataset", "name=d,version=1")
    done("push", "differ", weights, *first)
    (weights / "model.bin").write_bytes(b"better")
    (weights / "new.bin").write_bytes(b"")
    second = (
        "--metric",
        "f1=0.75",
        "--param",
        "lr=0.2",
        "--param",
        "same=1",
        "--tag",
        "team=risk",
        "--tag",
        "x=\u202e",
    )
    done("push", "differ", weights, *second, "--parent", "differ@1")
    shown = done("diff", "differ@1", "differ@2")
    rows = cells(shown)
    assert rows[0] == ["differ@1", "differ@2"]
    assert ["~ f1", "0.5", "0.75", "+0.25"] in rows
    assert ["~ lr", "0.1", "0.2"] in rows
    assert ["- d", "1 (train)"] in rows
    assert ["+", "differ@1 (derived)"] in rows
    assert ["+ team", "risk"] in rows
    assert ["files: 1 added, 1 changed, 1 equal; 6 B new"] in rows
    assert "\u202e" not in shown
    assert "same" not in shown
    # Columns are aligned: both sides of a row begin where those of every other row do.
    (title, f1) = (next(line for line in shown.splitlines() if word in line) for word in ("differ@2", "0.75"))
    assert title.index("differ@2") == f1.index("0.75")
    assert ["same", "1", "1"] in cells(done("diff", "differ@1", "differ@2", "--all"))
    assert done("diff", "differ@1", "differ@1") == "differ@1 and differ@1 do not differ.\n"
    (found,) = objects("diff", "differ@1", "differ@2")
    message = Parse(json.dumps(found), comparison_pb2.VersionComparison())
    assert message.metrics[0].difference == 0.25


def test_lineage_draws_a_tree_with_every_node_once(done: Done, cli: Run, weights: Path) -> None:
    done("push", "base", weights, "--dataset", "name=crawl,version=1", "--run", "run-1")
    done("push", "app", weights, "--parent", "base:finetuned", "--dataset", "name=ours,role=holdout")
    done("push", "app", weights, "--parent", "app@1:merged", "--parent", "base:quantized")
    done("promote", "app@1", "--to", "production")
    assert done("lineage", "app") == (
        "app@2\n"
        "├── app@1 [production] (merged)\n"
        "│   ├── base@1 (finetuned)\n"
        "│   │   ├── data set crawl 1 (train)\n"
        "│   │   └── run run-1\n"
        "│   └── data set ours (holdout)\n"
        "└── base@1 (quantized) as above\n"
    )
    below = (
        "├── app@1 [production] (finetuned)\n"  #
        "│   └── app@2 (merged)\n"
        "└── app@2 (quantized)\n"
    )
    assert done("lineage", "base", "--downstream") == f"base@1\n{below}"
    assert done("lineage", "--dataset", "ours") == (
        "data set ours\n└── app@1 [production] (holdout)\n    └── app@2 (merged)\n"
    )
    assert done("lineage", "app@1", "--both").splitlines()[:3] == [
        "app@1 [production]",
        "made from",
        "├── base@1 (finetuned)",
    ]
    cut = cli("lineage", "app", "--depth", "1")
    assert cut.stdout.splitlines() == [
        "app@2",
        "├── app@1 [production] (merged)",
        "└── base@1 (quantized)",
    ]
    assert "There is more" in cut.stderr
    none = cli("lineage", "--dataset", "nobody's")
    assert (none.returncode, none.stdout) == (0, "")
    assert "No version names such" in none.stderr


def test_lineage_is_printed_for_other_programs(done: Done, objects: Objects, weights: Path) -> None:
    done("push", "drawn", weights, "--dataset", 'name=a "b" <c> [d]')
    assert done("lineage", "drawn", "--dot").splitlines() == [
        "digraph lineage {",
        "  rankdir=BT;",
        '  n0 [label="drawn@1", shape=box, style=bold];',
        '  n1 [label="data set a \\"b\\" <c> [d]", shape=cylinder];',
        '  n0 -> n1 [label="train"];',
        "}",
    ]
    assert done("lineage", "drawn", "--mermaid").splitlines() == [
        "flowchart BT",
        '  n0["drawn@1"]',
        '  n1[("data set a #34;b#34; #60;c#62; #91;d#93;")]',
        '  n0 -->|"train"| n1',
    ]
    (found,) = objects("lineage", "drawn")
    assert Parse(json.dumps(found), lineage_pb2.Lineage()).nodes[1].dataset.name == 'a "b" <c> [d]'


def test_export_writes_a_document(done: Done, objects: Objects, weights: Path, tmp_path: Path) -> None:
    done("push", "written", weights, "--metric", "f1=0.5")
    assert json.loads(done("export", "written", "--format", "cyclonedx"))["specVersion"] == "1.6"
    card = tmp_path / "card.md"
    said = done("export", "written", "--format", "card", "-o", card)
    assert re.fullmatch(r"Wrote .*card\.md: \d.* (B|KiB)\n", said)
    assert card.read_text() == done("export", "written", "--format", "card")
    assert card.read_text().startswith('---\nmodel_name: "written"\n')
    (found,) = objects("export", "written", "--format", "card")
    assert Parse(json.dumps(found), pb.ExportedVersion()).content == card.read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ("export", "m", "--format", "card", "-o", ""),
        ("receipt", "id", "-o", ""),
        ("verify", "", "--key", "k"),
        ("audit", "export", ""),
        ("audit", "verify", "--key", ""),
        ("audit", "verify", "--key", "k", "--export", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_no_directory_one_works_in(cli: Run, words: tuple[str, ...]) -> None:
    outcome = cli(*words)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert "it is empty, while a path is needed." in outcome.stderr


def test_a_document_that_cannot_be_written_is_told(
    done: Done, cli: Run, weights: Path, tmp_path: Path
) -> None:
    done("push", "unwritten", weights, "--quiet")
    outcome = cli("export", "unwritten", "--format", "card", "-o", tmp_path / "no" / "where.md")
    assert outcome.returncode == 1
    assert outcome.stderr == f"Error: {tmp_path / 'no' / 'where.md'}: No such file or directory\n"
    outcome = cli("export", "unwritten", "--format", "card", "-o", "/dev/full")
    assert (outcome.returncode, outcome.stderr) == (1, "Error: /dev/full: No space left on device\n")


def test_show_tells_what_was_meant_then(done: Done, cli: Run, objects: Objects, weights: Path) -> None:
    for _ in range(2):
        done("push", "then", weights, "--quiet")
    done("alias", "then", "champion", "1")
    (entry,) = objects("audit", "log", "--model", "then", "--type", "alias.set")
    done("alias", "then", "champion", "2")
    for moment in (str(entry["revision"]), str(entry["time"])):
        assert done("show", "then@champion", "--at", moment).startswith("then@1\n")
    assert done("show", "then@champion").startswith("then@2\n")
    early = cli("show", "then", "--at", "1999-03-03T14:00")
    assert early.returncode == 1
    assert "was not READY at revision 0" in early.stderr
    assert cli("show", "then", "--at", "2999-01-01").returncode == 1
    assert cli("show", "then", "--at", "soon").returncode == 2


def test_what_may_change_is_changed(done: Done, cli: Run, objects: Objects, weights: Path) -> None:
    done("push", "changing", weights, "--tag", "old=1", "--tag", "kept=2")
    said = done("update", "changing", "--description", "better", "--tag", "new=3", "--remove-tag", "old")
    assert said == "Changed changing@1\n"
    (shown,) = objects("show", "changing")
    assert (shown["description"], shown["tags"]) == ("better", {"kept": "2", "new": "3"})
    stale = cli("update", "changing", "--tag", "new=4", "--etag", "r0")
    assert stale.returncode == 1
    assert done("update", "--model", "changing", "--tag", "team=risk") == "Changed changing\n"
    (model,) = [one for one in objects("models") if str(one["name"]).endswith("/changing")]
    assert model["tags"] == {"team": "risk"}
    (version,) = objects("update", "changing", "--tag", "new=5")
    assert Parse(json.dumps(version), catalog.Version()).tags["new"] == "5"


def test_metrics_are_added_and_listed_whatever_their_value(
    done: Done, objects: Objects, weights: Path
) -> None:
    done("push", "measured", weights, "--metric", "f1=0.5")
    added = objects(
        "add-metrics", "measured", "f1=0.75", "loss=nan", "up=inf", "--step", "3", "--dataset", "d"
    )
    assert [(one["key"], one["value"], one["step"]) for one in added] == [
        ("f1", 0.75, "3"),
        ("loss", "NaN", "3"),
        ("up", "Infinity", "3"),
    ]
    table = cells(done("metrics", "measured", "--key", "f1"))
    assert table[0] == ["METRIC", "VALUE", "STEP", "DATA SET", "MEASURED", "BY"]
    assert [row[:2] for row in table[1:]] == [["f1", "0.5"], ["f1", "0.75"]]
    values = [one["value"] for one in objects("metrics", "measured")]
    assert values == [0.5, 0.75, "NaN", "Infinity"]
    assert objects("show", "measured")[0]["metrics"][2]["value"] == "Infinity"  # type: ignore[index]


def test_delete_takes_one_version_or_a_whole_model(done: Done, cli: Run, weights: Path) -> None:
    for _ in range(2):
        done("push", "doomed", weights, "--quiet")
    vague = cli("delete", "doomed")
    assert vague.returncode == 2
    assert "Say which version" in vague.stderr
    assert done("delete", "doomed@1") == "Deleted doomed@1\n"
    assert "DELETED" in done("show", "doomed@1")
    assert done("delete", "--model", "doomed") == "Deleted doomed\n"
    assert cli("versions", "doomed").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("lineage",), "Give one thing to begin at"),
        (("lineage", "m", "--dataset", "d"), "Give one thing to begin at"),
        (("export", "m"), "Missing option '--format'"),
        (("update", "m"), "Nothing to change"),
        (("update", "m", "--tag", "a=1", "--remove-tag", "a"), "is to be set and to be removed"),
        (("add-metrics", "m"), "Missing argument"),
        (("add-metrics", "m", "f1=1", "f1=2"), "f1=… is given twice"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told(muniment: Run, arguments: tuple[str, ...], sentence: str) -> None:
    outcome = muniment(*arguments)
    assert outcome.returncode == 2
    assert sentence in outcome.stderr
