"""`muniment search` as people use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Done = Callable[..., str]


@pytest.fixture
def found(done: Done, objects: Callable[..., list[dict]], weights: Path) -> Done:
    """The command, after two versions were pushed to a project of this test's own."""
    if "search-cli" not in done("project", "list"):
        done("project", "create", "search-cli")
        push = ("push", "--project", "search-cli", "--quiet")
        done(*push, "churn", weights, "--metric", "f1=0.8", "--metric", "loss=2", "--tag", "team=risk")
        done(*push, "churn", weights, "--metric", "f1=0.9", "--metric", "loss=1")
        done("promote", "--project", "search-cli", "churn@1", "--to", "production")
    return lambda *arguments: done("search", "--project", "search-cli", *arguments)


def cells(table: str) -> list[list[str]]:
    return [re.split(r"  +", line) for line in table.splitlines()]


def test_a_table_shows_the_metrics_that_were_asked_for(found: Done) -> None:
    table = cells(found("metrics.f1 > 0.5", "--order-by", "metrics.f1 desc"))
    assert table[0] == ["VERSION", "STATE", "STAGES", "METRICS", "DIGEST", "CREATED", "BY"]
    assert [row[:2] for row in table[1:]] == [["churn@2", "READY"], ["churn@1", "READY"]]
    assert table[1][2] == "f1=0.9"
    assert table[2][2:4] == ["production", "f1=0.8"]
    assert "f1=0.9, loss=1" in found()
    assert len(cells(found("--limit", "1"))) == 2


def test_models_are_found_too(found: Done) -> None:
    table = cells(found("--models", "stage = production"))
    assert table[0][:3] == ["MODEL", "LATEST", "IN STAGES"]
    assert table[1][:3] == ["churn", "2", "production=1"]


def test_json_is_one_version_per_line(found: Done, objects: Callable[..., list[dict]]) -> None:
    (version,) = objects("search", "--project", "search-cli", "tags.team = risk")
    assert version["name"] == "projects/search-cli/models/churn/versions/1"
    (model,) = objects("search", "--project", "search-cli", "--models", "churn")
    assert model["latest_number"] == "2"


def test_nothing_found_and_nothing_understood_are_told_apart(found: Done, cli: Callable) -> None:
    found()
    nothing = cli("search", "--project", "search-cli", "stage = staging")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "No version meets the filter." in nothing.stderr
    wrong = cli("search", "--project", "search-cli", "metric.f1 > 1")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "position 1" in wrong.stderr
    assert "metrics" in wrong.stderr
    assert cli("search", "--limit", "0").returncode == 2
    assert cli("search", "a", "b").returncode == 2


def test_help_teaches_the_language(done: Done) -> None:
    text = done("search", "--help")
    for word in ("metrics.KEY.best", "dataset.digest", "OR binds closer than AND", "code.commit"):
        assert word in text
