"""Documents of versions larger than a document should be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from muniment.names import VersionName
from muniment_core.domain.catalog import FrozenRecord, VersionRecord, VersionState
from muniment_core.domain.manifest_files import ListedFile
from muniment_metadata.cyclonedx import cyclonedx
from muniment_metadata.described import Described, is_address, number_text
from muniment_metadata.model_card import model_card

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def described(*, count: int = 1, **fields: Any) -> Described:
    """A version of so many files."""
    version = VersionRecord(
        id=1,
        name=VersionName("default", "churn", 7),
        digest=DIGEST,
        state=VersionState.READY,
        size_bytes=count,
        file_count=count,
        description="",
        tags={},
        frozen=FrozenRecord(),
        metrics=(),
        stages=(),
        aliases=(),
        author="ann",
        create_time=NOW,
        update_time=NOW,
        create_revision=5,
        revision=5,
    )
    listed = tuple(ListedFile(f"f{index:05}", DIGEST, 1) for index in range(count))
    facts: dict[str, Any] = {
        "version": version,
        "files": listed,
        "parents": (),
        "ancestors": (),
        "hidden_ancestors": 0,
        "more_ancestors": False,
    }
    return Described(**{**facts, **fields})


def test_of_very_many_files_the_first_are_listed_and_all_are_counted() -> None:
    model = json.loads(cyclonedx(described(count=5_001)))["metadata"]["component"]
    told = {one["name"]: one["value"] for one in model["properties"]}
    assert len(model["components"]) == 5_000
    assert (told["muniment:file_count"], told["muniment:files_listed"]) == ("5001", "5000")
    assert "and 4,801 more" in model_card(described(count=5_001))


def test_a_list_of_files_that_was_collected_is_told() -> None:
    model = json.loads(cyclonedx(described(count=3, files=())))["metadata"]["component"]
    assert "components" not in model
    assert {"name": "muniment:files_listed", "value": "0"} in model["properties"]
    assert "## Files" not in model_card(described(count=3, files=()))


def test_ancestors_that_are_not_listed_are_told() -> None:
    few = described(hidden_ancestors=2, more_ancestors=True)
    pedigree = json.loads(cyclonedx(few))["metadata"]["component"]["pedigree"]
    assert pedigree["notes"] == (
        "2 more in projects that are not disclosed. There are more ancestors than are listed."
    )
    assert "- and more than are listed here" in model_card(few)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e-05, "1e-05"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_numbers_are_written_so_that_they_come_back(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/key", True),
        ("https://h/a?b=c#d", True),
        ("", False),
        ("on the shelf", False),
        ("javascript:alert(1)", False),
        ("https://h/<script>", False),
        ("https://h/a b", False),
        ("https://h/\u202e", False),
    ],
)
def test_only_what_looks_like_an_address_stands_where_one_is_wanted(text: str, expected: bool) -> None:
    assert is_address(text) is expected
