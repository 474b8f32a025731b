"""Any text comes back from YAML as it was, and shows in Markdown as itself."""

from __future__ import annotations

import html
import math

import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from muniment_metadata.markup import as_paragraphs, in_line, table, yaml_document

# What requests may hold: any text without control characters other than line breaks and tabs.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"]).filter(
        lambda one: one in "\n\r\t" or not (ord(one) < 32 or 127 <= ord(one) < 160)
    ),
    max_size=200,
)
PUNCTUATION = st.text("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ab1\n\t", max_size=60)
RENDER = MarkdownIt("gfm-like", {"linkify": False}).render


@given(TEXT | PUNCTUATION)
def test_text_comes_back_from_yaml_as_it_was(text: str) -> None:
    document = yaml_document({"a": text, "b": [text], "c": [{"d": text, "e": [text]}]})
    assert yaml.safe_load(document) == {"a": text, "b": [text], "c": [{"d": text, "e": [text]}]}


@given(st.floats() | st.integers())
def test_numbers_come_back_from_yaml_as_numbers(value: float) -> None:
    found = yaml.safe_load(yaml_document({"a": value}))["a"]
    assert type(found) is type(value)
    assert found == value or (math.isnan(found) and math.isnan(value))


def test_empty_members_are_left_out_of_yaml() -> None:
    assert yaml_document({"a": [], "b": {}, "c": "", "d": 0}) == 'c: ""\nd: 0\n'


@given(PUNCTUATION)
def test_a_line_of_markdown_shows_the_text(text: str) -> None:
    shown = html.escape(" ".join(text.split())).replace("&#x27;", "'")
    assert RENDER(in_line(text)) == (f"<p>{shown}</p>\n" if shown else "")


@given(PUNCTUATION)
def test_paragraphs_of_markdown_show_the_lines(text: str) -> None:
    page = RENDER(as_paragraphs(text))
    assert set(page.replace("<p>", "").replace("</p>", "").replace("<br />", "")) & set("<>") == set()
    shown = html.unescape(page.replace("<p>", "").replace("</p>", "").replace("<br />", ""))
    assert shown.split() == text.split()


@given(PUNCTUATION)
def test_a_cell_stays_a_cell(text: str) -> None:
    page = RENDER("\n".join(table(("a", "b"), [(in_line(text), "end")])))
    assert page.count("<td>") == 2
    assert "<td>end</td>" in page


def test_what_turns_the_direction_of_writing_is_shown_as_its_number() -> None:
    assert in_line("a\u202eb") == "aU\\+202Eb"


def test_a_table_without_rows_is_nothing() -> None:
    assert table(("a", "b"), []) == []
