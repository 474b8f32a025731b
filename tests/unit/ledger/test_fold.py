"""The fold: what entries imply, and where one contradicts those before it."""

from __future__ import annotations

from typing import Any

import pytest
from muniment.ledger.canonical import write
from muniment.ledger.columns import ColumnReader, time_text
from muniment.ledger.entries import MalformedEntry, read_body
from muniment.ledger.fold import NO_METRICS, Fold
from muniment.ledger.keys import SigningKey
from muniment.ledger.state import DELETED, UNTOLD

MICROSECONDS = 1_795_435_200_000_001
TIME = time_text(MICROSECONDS)
KEYS = [
    SigningKey.from_seed(name, bytes([seed] * 32)).public.text
    for name, seed in (("a", 1), ("a", 2), ("b", 3))
]
"""Two keys of a log, and one of another."""


class Story:
    """Entries that follow each other."""

    def __init__(self) -> None:
        self.fold = Fold()

    def tell(self, kind: str, *, about: dict[str, Any] | None = None, **data: Any) -> list[str]:
        entry = {
            "v": 1,
            "revision": self.fold.revision + 1,
            "type": kind,
            "time": TIME,
            "actor": "ann",
            "project": "default",
            **(about or {}),
            "data": data,
        }
        return self.fold.apply(entry)


@pytest.fixture
def story() -> Story:
    """A project with one model of two versions, the first one current in staging."""
    told = Story()
    found = told.tell("project.created", stages=["staging", "production"], labels="l")
    found += told.tell("model.created", about={"model": "m"}, labels="l")
    for number in (1, 2):
        found += told.tell(
            "version.created",
            about={"model": "m", "number": number, "digest": f"d{number}"},
            record="r",
            labels="l",
            metrics=NO_METRICS,
        )
    found += told.tell("stage.promoted", about=pointing(1, "d1", stage="staging"))
    assert found == []
    return told


def pointing(number: int, digest: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "number": number, "digest": digest, **more}


def test_a_rollback_restores_what_its_entry_names(story: Story) -> None:
    model = story.fold.models["default", "m"]
    promoted = story.fold.revision
    assert story.tell("stage.promoted", about=pointing(2, "d2", stage="staging", previous_number=1)) == []
    back = pointing(1, "d1", stage="staging", previous_number=2)
    assert story.tell("stage.rolled_back", about=back, effective_revision=promoted) == []
    assert (model.pointers["staging"].number, model.pointers["staging"].effective_revision) == (1, promoted)


def test_how_many_values_an_addition_is_of_is_kept_and_cannot_be_none(story: Story) -> None:
    version = story.fold.models["default", "m"].versions[1]
    assert story.tell("metrics.added", about=pointing(1, "d1"), metrics="sha256:1", count=2) == []
    assert story.tell("metrics.added", about=pointing(1, "d1"), metrics=NO_METRICS, count=0) == []
    assert (version.metrics, version.metric_counts) == ({6: "sha256:1"}, {6: 2})
    for facts in ({}, {"count": 0}, {"count": "many"}):
        [found] = story.tell("metrics.added", about=pointing(1, "d1"), metrics="sha256:1", **facts)
        assert found.startswith("does not say all that a metrics.added entry must")


def test_a_rollback_of_old_that_does_not_tell_what_it_restored_is_taken_as_it_is(story: Story) -> None:
    assert story.tell("stage.promoted", about=pointing(2, "d2", stage="staging", previous_number=1)) == []
    assert story.tell("stage.rolled_back", about=pointing(1, "d1", stage="staging", previous_number=2)) == []
    assert story.fold.models["default", "m"].pointers["staging"].effective_revision == UNTOLD


def test_deleting_a_version_takes_its_aliases_along(story: Story) -> None:
    for name in ("a", "b"):
        assert story.tell("alias.set", about=pointing(2, "d2"), alias=name) == []
    assert story.tell("version.deleted", about=pointing(2, "d2")) == []
    model = story.fold.models["default", "m"]
    assert model.versions[2].state == DELETED
    assert model.aliases == {}
    assert list(model.alias_moves.values()) == [2, 2, None, None]


@pytest.mark.parametrize(
    ("kind", "about", "data", "said"),
    [
        ("project.created", {}, {"stages": [], "labels": "l"}, "creates project default, which exists"),
        ("model.created", {"model": "m"}, {"labels": "l"}, "creates model default/m, which exists"),
        ("model.updated", {"model": "x"}, {"labels": "l"}, "about model default/x, which does not exist"),
        ("model.deleted", {"model": "m"}, {}, "has a current version in staging"),
        (
            "version.created",
            {"model": "m", "number": 4, "digest": "d"},
            {"record": "r", "labels": "l", "metrics": NO_METRICS},
            "creates version 4 after 2 versions",
        ),
        ("version.updated", pointing(3, "d3"), {"labels": "l"}, "about version 3, which does not exist"),
        ("version.updated", pointing(2, "d1"), {"labels": "l"}, "gives version 2 digest d1, while it has d2"),
        (
            "version.updated",
            pointing(2, "d2"),
            {},
            "does not say all that a version.updated entry must: 'labels'",
        ),
        ("version.deleted", pointing(1, "d1"), {}, "deletes version 1, which is current in staging"),
        (
            "alias.set",
            pointing(1, "d1", previous_number=2),
            {"alias": "a"},
            "from version 2, while it was at 0",
        ),
        ("stage.promoted", pointing(2, "d2", stage="staging"), {}, "from version 0, while it was at 1"),
        (
            "stage.promoted",
            pointing(2, "d2", stage="blue"),
            {},
            "moves stage blue, which the project does not",
        ),
        (
            "stage.rolled_back",
            pointing(2, "d2", stage="staging", previous_number=1),
            {"effective_revision": 5},
            "which was of version 1",
        ),
        (
            "stage.rolled_back",
            pointing(2, "d2", stage="staging", previous_number=1),
            {"effective_revision": 2},
            "which is no promotion to it",
        ),
        ("token.revoked", {}, {"token": 7}, "revokes token 7, which does not exist"),
        ("log.key_added", {}, {"key": "no key"}, "does not say all that a log.key_added entry must"),
        ("log.key_rotated", {}, {"previous_key": "x"}, "does not say all that a log.key_rotated entry must"),
        ("log.key_replaced", {}, {"key": KEYS[1], "previous_key": KEYS[0]}, "while none is active"),
        ("log.key_replaced", {}, {"key": KEYS[2], "previous_key": KEYS[0]}, f"adds key {KEYS[2]} to log a"),
    ],
)
def test_what_contradicts_the_entries_before_is_told(
    story: Story, kind: str, about: dict[str, Any], data: dict[str, Any], said: str
) -> None:
    found = story.tell(kind, about=about, **data)
    assert said in "\n".join(found)


def test_types_it_does_not_know_are_counted_and_change_nothing(story: Story) -> None:
    assert story.tell("weather.changed", about={"model": "m"}, to="rain") == []
    assert story.fold.unknown == {"weather.changed": 1}
    assert story.fold.models["default", "m"].change_revision == story.fold.revision


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"v": 2}, "format 2"),
        ({"v": True}, "'v'"),
        ({"number": "7"}, "'number'"),
        ({"number": True}, "'number'"),
        ({"data": []}, "'data'"),
        ({"actor": None}, "'actor'"),
    ],
)
def test_bodies_of_another_format_or_type_are_refused(members: dict[str, Any], said: str) -> None:
    whole = {"v": 1, "revision": 1, "type": "t", "time": TIME, "actor": "ann", **members}
    with pytest.raises(MalformedEntry, match=said):
        read_body(write(whole))
    for name in ("v", "revision", "type", "time", "actor"):
        with pytest.raises(MalformedEntry):
            read_body(write({key: value for key, value in whole.items() if key != name}))


def columns_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    names = ("project", "model", "stage", "number", "previous_number", "digest", "reason")
    empty = {"number": 0, "previous_number": 0}
    told = [entry.get(name, empty.get(name, "")) for name in names]
    return entry["revision"], entry["type"], MICROSECONDS, entry["actor"], *told


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"data": {"a": [1, 2.5, "ü\n"], "ß": {}}},
        {"project": "default", "model": "m", "number": 3, "digest": "sha256:aa", "data": {"x": 1}},
        {"stage": "a", "previous_number": 2, "number": 9, "reason": 'said "so",\n"revision":7', "data": {}},
        {"reason": "why", "request": "ab" * 32},
        {"actor": "\u2028\x7f\U0001f600", "request": "0" * 64, "data": {"k": None}},
        {"data": {"labels": "sha256:" + "ab" * 32}, "project": "default", "model": "m"},
        {"data": {"text": "a ~}"}, "stage": "s"},
        {"data": {"text": 'a"\\\x1f\x7f/'}, "reason": "why"},
    ],
)
def test_a_body_read_beside_its_columns_is_the_body_read_alone(entry: dict[str, Any]) -> None:
    whole = {"v": 1, "revision": 1, "type": "t.u", "time": TIME, "actor": "ann", **entry}
    body, columns = write(whole), columns_of(whole)
    reader = ColumnReader()
    assert reader.read(columns, body) == reader.read(columns, body) == read_body(body) == whole
    for place, value in enumerate(columns):
        for other in (value + 1, None, b"", "") if isinstance(value, int) else (value + "x", None, 0, b""):
            changed = (*columns[:place], other, *columns[place + 1 :])
            assert ColumnReader().read(changed, body) is None
            assert reader.read(changed, body) is None


def test_entries_of_more_models_than_a_reader_remembers_are_read_all_the_same() -> None:
    reader = ColumnReader()
    for number in (*range(1_100), 0, 1_099):
        about = {"project": "default", "model": f"model-{number}"}
        whole = {"v": 1, "revision": 1, "type": "t", "time": TIME, "actor": "ann", **about}
        assert reader.read(columns_of(whole), write(whole)) == whole


@pytest.mark.parametrize(
    "change",
    [
        (b'"data":{"x":1}', b'"data":{"x": 1}'),
        (b'"data":{"x":1}', b'"data":{"x":1,"x":1}'),
        (b'"data":{"x":1}', b'"data":[1]'),
        (b'"data":{"x":1}', b'"data":{"x":1}}'),
        (b'"data":{"x":1}', b'"data":{"x":"a","y":"b",}'),
        (b'"data":{"x":1}', b'"data":{"x":"\\u0061"}'),
        (b'"data":{"x":1}', b'"data":{"x":"a"} '),
        (b'"v":1}', b'"v":1} '),
        (b'"v":1}', b'"v":1,"w":2}'),
        (b'"actor":', b'"aaa":1,"actor":'),
        (b'"request":"ab', b'"request":"AB'),
        (b'"revision":1', b'"revision":01'),
    ],
)
def test_a_body_that_is_more_or_less_than_its_columns_is_not_read_beside_them(
    change: tuple[bytes, bytes],
) -> None:
    whole = {
        "v": 1,
        "revision": 1,
        "type": "t",
        "time": TIME,
        "actor": "ann",
        "data": {"x": 1},
        "request": "ab" * 32,
    }
    body = write(whole)
    assert change[0] in body
    assert ColumnReader().read(columns_of(whole), body.replace(*change)) is None
