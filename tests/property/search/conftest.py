"""A migrated database of each kind, shared by a module: every example takes its changes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from muniment_core.db import schema
from muniment_core.db.database import Database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A registry without entries."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            made = Database.embedded(tmp_path_factory.mktemp("sqlite"))
        else:
            postgres = request.getfixturevalue("postgres")
            made = Database(stack.enter_context(postgres.database()))
        stack.callback(made.close)
        schema.migrate(made, lambda: NOW)
        yield made
