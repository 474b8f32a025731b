"""Of models that are too large for one page together no more are read than it needs, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from muniment.names import ModelName
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.limits import MAX_PAGE_BYTES

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TAGS = {f"key-{number}": "x" * 4_000 for number in range(100)}


def test_no_more_models_are_read_than_a_page_needs(database: Database) -> None:
    with database.writing() as connection:
        reader = Reader(connection, NOW)
        project = reader.projects.create("p", description="", now=NOW, revision=1)
        created = [
            reader.models.create(
                ModelName("p", f"m{number:02}"),
                project_id=project.id,
                description="",
                tags=TAGS,
                creator="ann",
                now=NOW,
                revision=1,
            )
            for number in range(40)
        ]
    with database.reading() as connection:
        models = Reader(connection, NOW).models
        page = models.page(project.id, after=None, limit=1_001)
        assert page == created[: len(page)]
        assert len(page) < 20
        assert sum(len(value) for model in page for value in model.tags.values()) > MAX_PAGE_BYTES
        backwards = [model.id for model in reversed(created)]
        assert models.with_ids(backwards) == created[::-1][: len(page)]
