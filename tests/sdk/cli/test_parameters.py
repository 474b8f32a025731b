"""How words of the command line are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from muniment.cli import parameters
from muniment.values import Dataset, Parent, ProcessingStep


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3", 3.0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("0", 0.0),
        ("adam", "adam"),
        ("", ""),
        ("a=b", "a=b"),
        ("007", "007"),
        ("+49", "+49"),
        ("1_000", "1_000"),
        ("1e999", "1e999"),
        ("nan", "nan"),
        ("9007199254740993", "9007199254740993"),
        (" 1", " 1"),
        ("٣", "٣"),
    ],
)
def test_a_parameter_is_a_number_only_if_nothing_is_lost(word: str, value: str | float) -> None:
    read = parameters.to_param(f"key={word}")
    assert read == ("key", value)
    assert type(read[1]) is type(value)


@pytest.mark.parametrize("word", ["key", "=value", ""])
def test_a_pair_needs_a_key_and_an_equals_sign(word: str) -> None:
    with pytest.raises(click.BadParameter, match="KEY=VALUE"):
        parameters.to_pair(word)


@pytest.mark.parametrize("word", ["f1=good", "f1=", "f1=1_0", "f1= 1"])
def test_a_metric_is_a_number(word: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a number"):
        parameters.to_metric(word)


def test_a_metric_may_be_infinite() -> None:
    assert parameters.to_metric("loss=inf") == ("loss", float("inf"))


def test_a_dataset_is_read_from_its_parts() -> None:
    word = "name=churn,version=2026-11,digest=sha256:ab,uri=s3://bucket/a,b,role=holdout"
    assert parameters.to_dataset(word) == Dataset(
        "churn", "2026-11", "sha256:ab", "s3://bucket/a,b", "holdout"
    )


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("churn", "is not one of name="),
        ("name=churn,color=red", "'color=red' is not one of name="),
        ("name=a,name=b", "name=… is given twice"),
        ("version=1", "name=… is missing"),
        ("name=", "name=… is missing"),
    ],
)
def test_a_dataset_that_cannot_be_read_is_refused(word: str, sentence: str) -> None:
    with pytest.raises(click.BadParameter, match=sentence):
        parameters.to_dataset(word)


@pytest.mark.parametrize(
    ("word", "parent"),
    [
        ("base", Parent("base")),
        ("base@7:finetuned", Parent("base@7", "FINETUNED")),
        ("base@production:MERGED", Parent("base@production", "MERGED")),
        ("base@sha256:" + "a" * 64, Parent("base@sha256:" + "a" * 64)),
        ("base@sha256:" + "a" * 64 + ":adapter", Parent("base@sha256:" + "a" * 64, "ADAPTER")),
    ],
)
def test_a_parent_is_a_selector_and_perhaps_a_relation(word: str, parent: Parent) -> None:
    assert parameters.to_parent(word) == parent


def test_an_unknown_relation_names_the_known_ones() -> None:
    with pytest.raises(click.BadParameter, match="'copied' is not one of derived, finetuned, adapter"):
        parameters.to_parent("base:copied")


def test_a_step_may_be_described() -> None:
    assert parameters.to_step("scale") == ProcessingStep("scale")
    assert parameters.to_step("scale=mean=0") == ProcessingStep("scale", "mean=0")


def test_an_expiry_is_a_duration_or_a_date_in_utc() -> None:
    assert parameters.to_expiry("2027-01-31") == datetime(2027, 1, 31, tzinfo=UTC)
    assert parameters.to_expiry("2027-01-31T10:00:00+02:00") == datetime(2027, 1, 31, 8, tzinfo=UTC)
    before = datetime.now(UTC)
    assert (
        before + timedelta(days=30) <= parameters.to_expiry("30d") <= datetime.now(UTC) + timedelta(days=30)
    )


@pytest.mark.parametrize("word", ["", "soon", "0d", "30", "2027-13-01", "999999w"])
def test_an_expiry_that_cannot_be_read_is_refused(word: str) -> None:
    with pytest.raises(click.BadParameter, match="neither like 12h"):
        parameters.to_expiry(word)


@pytest.mark.parametrize("word", ["-1", "1.5", "07", "", "x", "9" * 19, "٣"])
def test_a_number_is_a_whole_number(word: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a number"):
        parameters.to_number(word)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(click.BadParameter, match="not text in the encoding"):
        parameters.to_text("caf\udce9")


def test_a_key_given_twice_is_refused() -> None:
    assert parameters.once([("a", 1), ("b", 2)], "--metric") == {"a": 1, "b": 2}
    with pytest.raises(click.UsageError, match=r"--metric a=… is given twice"):
        parameters.once([("a", 1), ("a", 2)], "--metric")
