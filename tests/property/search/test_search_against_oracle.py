"""Whatever is asked of whatever catalog, the compiled SQL finds what plain Python finds, in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from catalogs import oracle
from catalogs.made_up import MadeUp, Placed, write
from catalogs.made_up_models import MadeUpModel, PlacedModel, write_models
from catalogs.strategies import PROJECT, catalogs, model_catalogs, model_queries, queries
from hypothesis import example, given, settings
from hypothesis import strategies as st
from muniment.names import VersionName
from muniment_core.db.database import Database
from muniment_core.db.search import driving
from muniment_core.db.search.search import Search
from muniment_core.db.search.subjects import MODELS, VERSIONS, Subject
from muniment_core.domain.search import Condition, Field, Not, Operator, Query
from sqlalchemy import Connection

NOT_OF_A_MODEL_THAT_IS_NOT_THERE = Query(Not(Condition(Field("model"), Operator.EQUAL, "a")))

EXAMPLES = 50 if settings.default.derandomize else settings.default.max_examples
"""Each is up to six queries, answered page by page; `make soak` tries a hundred times as many, and others."""


class _TakenBack(Exception):
    """Ends an example without keeping what it wrote."""


@contextmanager
def catalog(
    database: Database, made_up: Sequence[MadeUp]
) -> Iterator[tuple[Connection, dict[str, Any], list[Placed]]]:
    try:
        with database.writing() as connection:
            # Another project with some of the same versions, of which nothing may be found.
            write(connection, "elsewhere", made_up[:2])
            project_id, placed = write(connection, PROJECT, made_up)
            names = {
                VersionName(PROJECT, version.made_up.model, version.number): version.id for version in placed
            }
            yield connection, {"project_id": project_id, "versions": names}, placed
            raise _TakenBack
    except _TakenBack:
        pass


@contextmanager
def catalog_of_models(
    database: Database, made_up: Sequence[MadeUpModel]
) -> Iterator[tuple[Connection, int, list[PlacedModel]]]:
    try:
        with database.writing() as connection:
            write_models(connection, "elsewhere", made_up[:2])
            yield connection, *write_models(connection, PROJECT, made_up)
            raise _TakenBack
    except _TakenBack:
        pass


def all_pages(
    connection: Connection, subject: Subject, query: Query, scope: dict[str, Any], size: int
) -> list[int]:
    found: list[int] = []
    last = None
    while True:
        page = Search(connection, subject, query, **scope).page(last, size)
        found += [place.id for place in page]
        if len(page) < size:
            return found
        last = page[-1]


@given(
    made_up=catalogs,
    asked=st.lists(queries, min_size=1, max_size=6),
    few=st.sampled_from([0, 1, 3, 256]),
    size=st.integers(1, 4),
)
@example(made_up=[MadeUp(model="b")], asked=[NOT_OF_A_MODEL_THAT_IS_NOT_THERE], few=0, size=1)
@settings(max_examples=EXAMPLES)
def test_sql_finds_what_python_finds(
    database: Database, made_up: list[MadeUp], asked: list[Query], few: int, size: int
) -> None:
    # With few = 0 no condition counts as one that few versions meet, so that every index is walked.
    with catalog(database, made_up) as (connection, scope, placed), patch.object(driving, "FEW", few):
        for query in asked:
            expected = oracle.search(placed, query)
            found = Search(connection, VERSIONS, query, **scope).page(None, 100)
            assert [place.id for place in found] == expected, query
            assert all_pages(connection, VERSIONS, query, scope, size) == expected, query


@given(
    made_up=model_catalogs,
    asked=st.lists(model_queries, min_size=1, max_size=6),
    few=st.sampled_from([0, 1, 3, 256]),
    size=st.integers(1, 4),
)
@settings(max_examples=EXAMPLES)
def test_sql_finds_the_models_that_python_finds(
    database: Database, made_up: list[MadeUpModel], asked: list[Query], few: int, size: int
) -> None:
    models = catalog_of_models(database, made_up)
    with models as (connection, project_id, placed), patch.object(driving, "FEW", few):
        for query in asked:
            expected = oracle.search(placed, query)
            found = Search(connection, MODELS, query, project_id=project_id).page(None, 100)
            assert [place.id for place in found] == expected, query
            assert all_pages(connection, MODELS, query, {"project_id": project_id}, size) == expected, query
