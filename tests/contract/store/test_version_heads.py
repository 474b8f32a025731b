"""A page of versions is cut before they are read, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from catalogs.large import fill
from muniment.names import ModelName
from muniment_core.db.database import Database
from muniment_core.db.tables import version_tags, versions
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.version_store import VersionStore
from muniment_core.domain.catalog import VersionRecord
from muniment_core.domain.errors import LimitExceeded, VersionNotFound
from muniment_core.domain.limits import MAX_BATCH_BYTES, MAX_PAGE_BYTES, fitting
from muniment_metadata.versions import batch_get_versions, list_versions
from sqlalchemy import func, update

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MODEL = ModelName("default", "model-1")
LARGE = 100_000
COUNT = 100


@pytest.fixture
def catalog(database: Database) -> Database:
    """A model of a hundred versions of 100 kB: of even ones the description, of odd ones a tag is large."""
    with database.writing() as connection:
        Reader(connection, NOW).projects.create("default", description="", now=NOW, revision=1)
    fill(database, COUNT, metrics=("f1",))
    with database.writing() as connection:
        connection.execute(update(versions).where(versions.c.number % 2 == 0).values(description="x" * LARGE))
        connection.execute(
            update(version_tags)
            .where(version_tags.c.key == "team", version_tags.c.version_id % 2 == 1)
            .values(value="ü" * LARGE)
        )
        assert connection.scalar(func.count().select().select_from(versions)) == COUNT
    return database


def test_no_more_is_read_than_fits_on_a_page(catalog: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    with_ids = VersionStore.with_ids

    def note(store: VersionStore, ids: Sequence[int]) -> list[VersionRecord]:
        read.append(len(ids))
        return with_ids(store, ids)

    monkeypatch.setattr(VersionStore, "with_ids", note)
    numbers: list[int] = []
    with catalog.reading() as connection:
        more = True
        while more:
            before = numbers[-1] if numbers else None
            page, more = list_versions(Reader(connection, NOW), MODEL, before=before, limit=90, deleted=False)
            numbers += [version.name.number for version in page]
    assert numbers == list(range(COUNT, 0, -1))
    assert read == [20] * 5
    assert MAX_PAGE_BYTES // LARGE == 20


def test_a_batch_that_no_answer_holds_is_refused_unread(catalog: Database) -> None:
    with catalog.reading() as connection:
        reader = Reader(connection, NOW)
        named = [MODEL.version(number) for number in (3, 1, 2, 1)]
        assert [found.name for found in batch_get_versions(reader, named)] == named
        # Also of one and the same version no more is answered.
        with pytest.raises(LimitExceeded) as refused:
            batch_get_versions(reader, [MODEL.version(1)] * 500)
        assert refused.value.facts["limit"] == str(MAX_BATCH_BYTES)
        with pytest.raises(VersionNotFound):
            batch_get_versions(reader, [*named, MODEL.version(COUNT + 1)])


@pytest.mark.parametrize(
    ("sizes", "most", "fit"),
    [
        ([], 5, 0),
        ([1, 1, 1], 2, 2),
        ([1, 1], 2, 2),
        ([MAX_PAGE_BYTES * 3, 1], 5, 1),
        ([1, MAX_PAGE_BYTES], 5, 1),
        ([1, MAX_PAGE_BYTES - 1, 1], 5, 2),
    ],
)
def test_a_page_has_one_result_at_least_and_else_what_fits(sizes: list[int], most: int, fit: int) -> None:
    assert fitting(sizes, most) == fit
