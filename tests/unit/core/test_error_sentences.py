"""What to do about an error is said once: by the server's sentence, or by the class of the SDK."""

from __future__ import annotations

import inspect
import re

import pytest
from muniment.transport.translation import REASONS
from muniment_core.domain import errors
from muniment_core.domain.errors import DomainError

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "DomainError"]

ADVISES = re.compile(
    r"[:;,] (again|ask|choose|commit|create|free|leave|list|look|open|plan|promote|push|read|release|repeat"
    r"|send|set|take|try|write)\b"
)

BOTH = {
    # The server says how the store gets room or bytes are repaired, the SDK whom to tell and what is not lost.
    "BYTES_DAMAGED",
    "STORAGE_FULL",
}

EXAMPLES = {"int": 1, "float": 1.0, "str": "x", "bool": False, "int | None": 1, "str | None": "x"}


def example(kind: type[DomainError]) -> DomainError:
    """An error of a class, its facts made up after their types."""
    facts = {
        name: EXAMPLES.get(str(parameter.annotation), ("x", "y"))
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.default is parameter.empty
    }
    return kind(**facts)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_advice_is_given_once(kind: type[DomainError]) -> None:
    sentence, advice = example(kind).message, REASONS[kind.reason].advice
    if kind.reason not in BOTH:
        assert not (advice and ADVISES.search(sentence)), f"{sentence}. {advice}"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("ModelNotFound", "list"),
        ("CurrentMismatch", "decide again"),
        ("EtagMismatch", "again"),
        ("NameTaken", "choose another"),
        ("StageEmpty", "promote"),
        ("DatabaseUnavailable", "try again"),
        ("TokenMissing", "MUNIMENT_TOKEN"),
    ],
)
def test_a_person_reads_what_to_do_exactly_once(kind: str, words: str) -> None:
    error = example(getattr(errors, kind))
    shown = REASONS[error.reason](error.message, error.reason).diagnostics()
    assert shown.lower().count(words.lower()) == 1, shown
