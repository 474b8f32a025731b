"""A catalog large enough that databases prefer their indexes, in each of the databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from catalogs import large
from muniment_core.db import schema
from muniment_core.db.batch import Batch
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import UnitOfWork

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VERSIONS, PER_MODEL = 4_000, 2


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Four thousand versions of two thousand models in project `default`."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            made = Database.embedded(tmp_path_factory.mktemp("sqlite"))
        else:
            made = Database(stack.enter_context(request.getfixturevalue("postgres").database()))
        stack.callback(made.close)
        schema.migrate(made, lambda: NOW)
        with made.writing() as connection:
            unit = UnitOfWork(Batch(connection, single=True), NOW, actor="tester", revision=1)
            unit.projects.create("default", description="", now=NOW, revision=1)
        large.fill(made, VERSIONS, per_model=PER_MODEL, related=True)
        yield made
