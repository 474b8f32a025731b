"""Search through the SDK, against a real server."""

from __future__ import annotations

import muniment
import pytest
from muniment import errors


@pytest.fixture
def three_versions(registry, model_dir):
    """Models churn, with two versions, and fraud, with one."""
    registry.push("churn", model_dir, metrics={"f1": 0.8}, tags={"team": "risk"})
    registry.push("churn", model_dir, metrics={"f1": 0.9}, tags={"team": "risk"})
    return registry.push("fraud", model_dir, metrics={"f1": 0.95}, params={"depth": 3})


def names(found) -> list[str]:
    return [f"{version.version_name.model}@{version.number}" for version in found]


def test_versions_are_found_in_the_order_asked_for(registry, three_versions) -> None:
    assert names(registry.search()) == ["fraud@1", "churn@2", "churn@1"]
    assert names(registry.search('metrics.f1 > 0.85 AND tags.team = "risk"')) == ["churn@2"]
    assert names(registry.search(order_by="metrics.f1")) == ["churn@1", "churn@2", "fraud@1"]
    assert names(registry.search("params.depth >= 3 model = fraud")) == ["fraud@1"]
    assert next(registry.search("model = fraud")) == three_versions


def test_a_limit_bounds_what_is_found(registry, three_versions) -> None:
    assert names(registry.search(limit=2)) == ["fraud@1", "churn@2"]
    assert names(registry.search(limit=0)) == []
    assert names(registry.search(limit=5000)) == ["fraud@1", "churn@2", "churn@1"]


def test_models_are_found(registry, three_versions) -> None:
    registry.promote("churn@2", to="production")
    found = list(registry.search_models("stage = production"))
    assert [model.model_name.model for model in found] == ["churn"]
    assert isinstance(found[0], muniment.Model)
    assert len(list(registry.search_models(order_by="name", limit=1))) == 1


def test_a_filter_that_cannot_be_read_tells_where(registry) -> None:
    with pytest.raises(errors.InvalidFilter, match="metrics") as caught:
        next(registry.search("metric.f1 > 1"))
    assert caught.value.metadata["position"] == "1"
    with pytest.raises(errors.InvalidFilter) as caught:
        next(registry.search(order_by="f1"))
    assert caught.value.metadata["field"] == "order_by"
    with pytest.raises(errors.MunimentError):
        next(registry.search("\ud800"))
