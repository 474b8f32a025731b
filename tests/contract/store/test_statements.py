"""Large models and wide graphs cost no more statements than small ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from muniment.names import ModelName, ProjectName
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM
from muniment_core.domain.catalog import (
    Code,
    Dataset,
    FrozenRecord,
    NewVersion,
    Parent,
    ParentRelation,
    VersionState,
)
from muniment_core.domain.errors import InUse
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.lineage import DatasetNode
from muniment_metadata.lineage import Direction, LineageQuery, get_lineage
from muniment_metadata.models import delete_model
from sqlalchemy import event
from sqlalchemy.engine import Engine

DIGEST = "sha256:" + "a" * 64
PROJECT = ProjectName("p")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def change(writer: Writer) -> Callable[[Callable[[UnitOfWork], object]], object]:
    """Runs a change of the registry."""
    writer.start()

    def run(work: Callable[[UnitOfWork], object]) -> object:
        return writer.submit(Change(work, "tester")).result(timeout=60)

    return run


def populate(unit: UnitOfWork, sizes: dict[str, int]) -> None:
    """Models of one parent and many children of it, each with an alias, the same data set and the same commit."""
    unit.projects.create(PROJECT.project, description="", now=unit.now, revision=unit.revision)
    project_id = unit.projects.require(PROJECT.project).id
    for name, size in sizes.items():
        model = unit.models.create(
            PROJECT.model(name),
            project_id=project_id,
            description="",
            tags={},
            creator="tester",
            now=unit.now,
            revision=unit.revision,
        )
        root: int | None = None
        for number in range(1, size + 1):
            parents = (Parent(model.name.version(1), ParentRelation.DERIVED),) if root else ()
            made = unit.versions.create(
                model.name,
                number,
                NewVersion(
                    digest=DIGEST,
                    description="",
                    tags={},
                    frozen=FrozenRecord(
                        parents=parents, datasets=(Dataset(f"data of {name}"),), code=Code(commit="c")
                    ),
                    metrics=(),
                ),
                model_id=model.id,
                project_id=project_id,
                record=b"{}",
                parent_ids=[root] if root else [],
                size_bytes=0,
                file_count=0,
                author="tester",
                now=unit.now,
                revision=unit.revision,
            )
            root = root or made.id
            unit.aliases.point(
                model.id,
                f"a{number}",
                version_id=made.id,
                exists=False,
                actor="tester",
                now=unit.now,
                revision=unit.revision,
            )
    unit.record(EntryDraft(type="project.created", project=PROJECT.project))


def test_a_model_is_deleted_whole_with_as_few_statements_as_one_version(
    database: Database, change: Callable[[Callable[[UnitOfWork], object]], object]
) -> None:
    change(lambda unit: populate(unit, {"small": 1, "large": 300}))
    numbers = []
    for name in ("small", "large"):
        model = PROJECT.model(name)
        with counted() as statements:
            change(lambda unit, model=model: delete_model(unit, model, etag="", principal=SYSTEM))
        numbers.append(len(statements))
    # The ledger keeps a complete subtree with every other entry.
    assert abs(numbers[1] - numbers[0]) <= 1
    assert max(numbers) < 30
    with database.reading() as connection:
        reader = Reader(connection, NOW)
        model_id = reader.models.require(PROJECT.model("large"), deleted=True).id
        page = reader.version_heads.page(model_id, before=None, limit=500, deleted=True)
        versions = reader.versions.with_ids([head.id for head in page])
        assert {version.state for version in versions} == {VersionState.DELETED}
        assert len(versions) == 300
        assert reader.aliases.page(model_id, PROJECT.model("large"), after=None, limit=10) == []
        # All of it is history.
        assert reader.history.by_alias(model_id, "a7", revision=1) == 7
        assert reader.history.by_alias(model_id, "a7", revision=3) is None
        assert reader.history.newest_ready(model_id, 2, latest_number=300) == 300
        assert reader.history.newest_ready(model_id, 3, latest_number=300) is None


def test_a_model_with_a_child_elsewhere_stays_whole(
    database: Database, change: Callable[[Callable[[UnitOfWork], object]], object]
) -> None:
    change(lambda unit: populate(unit, {"base": 3}))

    def adopt(unit: UnitOfWork) -> None:
        base = unit.versions.require(PROJECT.model("base").version(2))
        populate_child(unit, base.id)

    change(adopt)
    with pytest.raises(InUse, match="child"):
        change(lambda unit: delete_model(unit, PROJECT.model("base"), etag="", principal=SYSTEM))
    with database.reading() as connection:
        reader = Reader(connection, NOW)
        assert reader.versions.require(PROJECT.model("base").version(1)).state is VersionState.READY


@pytest.mark.parametrize("direction", list(Direction))
def test_a_level_of_the_graph_costs_the_same_whatever_its_width(
    database: Database,
    change: Callable[[Callable[[UnitOfWork], object]], object],
    direction: Direction,
) -> None:
    change(lambda unit: populate(unit, {"narrow": 2, "wide": 400}))
    numbers = []
    for name, size in (("narrow", 2), ("wide", 400)):
        for root in (PROJECT.model(name).version(1), DatasetNode(f"data of {name}", "", "")):
            with database.reading() as connection, counted() as statements:
                query = LineageQuery(root=root, direction=direction)
                found = get_lineage(Reader(connection, NOW), "p", query, principal=SYSTEM)
            numbers.append(len(statements))
            if direction is not Direction.UPSTREAM:
                assert sum(node.__class__.__name__ == "VersionNode" for node, _ in found.nodes) == size
    assert numbers[:2] == numbers[2:]
    assert max(numbers) < 20


def populate_child(unit: UnitOfWork, parent_id: int) -> None:
    """A model with one version made from another model's."""
    model = unit.models.create(
        ModelName("p", "child"),
        project_id=unit.projects.require("p").id,
        description="",
        tags={},
        creator="tester",
        now=unit.now,
        revision=unit.revision,
    )
    parents = (Parent(PROJECT.model("base").version(2), ParentRelation.MERGED),)
    unit.versions.create(
        model.name,
        1,
        NewVersion(digest=DIGEST, description="", tags={}, frozen=FrozenRecord(parents=parents), metrics=()),
        model_id=model.id,
        project_id=unit.projects.require("p").id,
        record=b"{}",
        parent_ids=[parent_id],
        size_bytes=0,
        file_count=0,
        author="tester",
        now=unit.now,
        revision=unit.revision,
    )
    unit.record(EntryDraft(type="model.created", project="p", model="child"))
