"""Field masks over description and tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muniment_core.domain.errors import EtagMismatch, InvalidField
from muniment_metadata.updates import LabelChange, check_etag

OLD = ("old", {"a": "1", "b": "2"})


def changed(*paths: str, description: str = "", **tags: str) -> tuple[str, dict[str, str]]:
    return LabelChange.from_mask(paths, description=description, tags=tags).applied_to(*OLD)


def test_what_the_mask_does_not_name_stays() -> None:
    assert changed("description", description="new", c="3") == ("new", OLD[1])
    assert changed("tags", description="new", c="3") == ("old", {"c": "3"})
    assert changed("tags.a", c="3", a="9") == ("old", {"a": "9", "b": "2"})


def test_a_named_field_without_a_value_is_cleared() -> None:
    assert changed("description") == ("", OLD[1])
    assert changed("tags") == ("old", {})
    assert changed("tags.a") == ("old", {"b": "2"})
    assert changed("tags.none") == OLD


def test_a_key_may_hold_dots_and_an_empty_value_is_a_value() -> None:
    change = LabelChange.from_mask(["tags.x.y"], description="", tags={"x.y": "", "x": "no"})
    assert change.applied_to("", {}) == ("", {"x.y": ""})


@given(st.dictionaries(st.sampled_from("abcd"), st.text(max_size=2)), st.lists(st.sampled_from("abcd")))
def test_naming_every_key_is_as_naming_all_tags(new: dict[str, str], order: list[str]) -> None:
    every = [f"tags.{key}" for key in [*order, *"abcd"]]
    one_by_one = LabelChange.from_mask(every, description="", tags=new).applied_to(*OLD)
    assert one_by_one == LabelChange.from_mask(["tags"], description="", tags=new).applied_to(*OLD)
    assert list(one_by_one[1]) == sorted(one_by_one[1])


@pytest.mark.parametrize(
    "paths", [[], ["name"], ["description", "etag"], ["tags.a b"], ["tags."], ["tag.a"], ["*"], [""]]
)
def test_a_path_of_nothing_that_may_change_is_refused(paths: list[str]) -> None:
    with pytest.raises(InvalidField) as caught:
        LabelChange.from_mask(paths, description="", tags={})
    assert caught.value.field == "update_mask"


def test_an_empty_etag_is_not_checked_and_any_other_must_match() -> None:
    check_etag("", 7)
    check_etag("r7", 7)
    for stale in ("r6", "7", "R7", "r7 "):
        with pytest.raises(EtagMismatch) as caught:
            check_etag(stale, 7)
        assert caught.value.facts == {"field": "etag", "expected": stale, "actual": "r7"}
