"""Names and selectors: text becomes a value once, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment import names
from muniment.digests import Digest
from muniment.names import InvalidName, InvalidSelector, ModelName, Selector, VersionSelector

RULE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
DIGEST = "sha256:" + "0a" * 32
NAMES = st.from_regex(RULE, fullmatch=True)
POINTERS = NAMES.filter(lambda name: not re.fullmatch("[0-9]+", name) and name.lower() != "latest")
NUMBERS = st.integers(1, 10**18 - 1)

BAD = [
    "",
    "../x",
    "a/b",
    "a b",
    ".",
    "..",
    "-a",
    "a.",
    "a" * 129,
    "a\n",
    "a\x00",
    "%2e",
    "ä",
    "\u0661",
    "‮a",
    "a\u200b",
]


@pytest.mark.parametrize("text", BAD)
def test_text_that_breaks_the_rule_is_no_name(text: str) -> None:
    with pytest.raises(InvalidName) as caught:
        names.check_name("model", text)
    assert caught.value.kind == "model"
    assert caught.value.value == text[:200]


@given(st.text(max_size=140))
def test_a_name_is_exactly_what_the_rule_says(text: str) -> None:
    if re.fullmatch(RULE, text):
        assert names.check_name("model", text) == text
    else:
        with pytest.raises(InvalidName):
            names.check_name("model", text)


@given(NAMES, NAMES, POINTERS, NUMBERS)
def test_every_kind_of_name_reads_what_it_writes(project: str, model: str, pointer: str, number: int) -> None:
    of_model = names.ProjectName(project).model(model)
    for name in (
        names.ProjectName(project),
        of_model,
        of_model.version(number),
        of_model.alias(pointer),
        of_model.stage(pointer),
        of_model.promotion(number),
    ):
        assert type(name).parse(name.text) == name
        assert names.project_of(name.text) == project


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (ModelName.parse, "models/m"),
        (ModelName.parse, "projects/p/models/m/"),
        (ModelName.parse, "/projects/p/models/m"),
        (ModelName.parse, "projects/-/models/m"),
        (ModelName.parse, "Projects/p/models/m"),
        (ModelName.parse, "projects/p/models/m/versions/1"),
        (names.VersionName.parse, "projects/p/models/m/versions/01"),
        (names.VersionName.parse, "projects/p/models/m/versions/0"),
        (names.VersionName.parse, "projects/p/models/m/versions/" + "1" * 19),
        (names.VersionName.parse, "projects/p/models/m/versions/\u0661"),
        (names.AliasName.parse, "projects/p/models/m/aliases/7"),
        (names.AliasName.parse, "projects/p/models/m/aliases/LATEST"),
        (names.StageName.parse, "projects/p/models/m/stages/007"),
        (names.project_of, "project/p"),
        (names.project_of, "projects"),
        (names.project_of, "projects/"),
        (names.project_of, "projects/../x"),
    ],
)
def test_another_form_of_name_is_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(InvalidName):
        parse(text)


def test_the_whole_instance_is_no_project() -> None:
    assert names.project_of("projects/-") is None
    assert names.project_of("projects/-/tokens/1") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", VersionSelector()),
        ("latest", VersionSelector()),
        ("7", VersionSelector(number=7)),
        (DIGEST, VersionSelector(digest=Digest(DIGEST))),
        ("production", VersionSelector(pointer="production")),
        ("v1.0", VersionSelector(pointer="v1.0")),
    ],
)
def test_a_selector_is_one_of_five_things(text: str, expected: VersionSelector) -> None:
    assert VersionSelector.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["0", "07", "-1", "1" * 19, "sha256:", DIGEST.upper(), DIGEST + "0", "a@b", *BAD[1:]]
)
def test_a_selector_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidSelector):
        VersionSelector.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("churn", Selector("default", "churn", "latest")),
        ("churn@7", Selector("default", "churn", "7")),
        ("risk/churn@champion", Selector("risk", "churn", "champion")),
        (f"churn@{DIGEST}", Selector("default", "churn", DIGEST)),
    ],
)
def test_people_name_versions_by_project_model_and_selector(text: str, expected: Selector) -> None:
    assert Selector.parse(text) == expected
    assert Selector.parse(expected.text) == expected


@pytest.mark.parametrize(
    "text", ["", "@", "churn@", "@7", "a/b/c", "/churn", "churn/", "../x", "churn@a/b", "churn@@1"]
)
def test_text_that_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        Selector.parse(text)
