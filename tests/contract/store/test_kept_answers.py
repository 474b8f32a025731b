"""Answers about a model are kept by each process, and given again only while the database says nothing changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from muniment.names import ModelName
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.ledger import EntryDraft
from muniment_core.rpc.answers import Answers, Mark
from muniment_core.rpc.execution import Execution

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MODEL = ModelName("p", "m")


def create(name: ModelName) -> Change[None]:
    def work(unit: UnitOfWork) -> None:
        project = unit.projects.require(name.project)
        unit.models.create(
            name,
            project_id=project.id,
            description="",
            tags={},
            creator="x",
            now=unit.now,
            revision=unit.revision,
        )
        unit.record(EntryDraft(type="model.created", project=name.project, model=name.model))

    return Change(work, "tester")


def touch(name: ModelName) -> Change[None]:
    """Any change at all whose entry names the model."""

    def work(unit: UnitOfWork) -> None:
        unit.record(EntryDraft(type="anything", project=name.project, model=name.model))

    return Change(work, "tester")


class Replica:
    """A process of its own: its connections, its memory."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self.execution = Execution(database, writer, lambda: NOW)
        self.readings = 0

    async def ask(self, model: ModelName = MODEL) -> str:
        def use_case(reader: Reader) -> StringValue:
            self.readings += 1
            return StringValue(value=f"as of {reader.ledger.size()}")

        return (await self.execution.read_about(model, "how old?", use_case, StringValue)).value


@pytest.fixture
def replicas(
    database: Database, writer: Writer, create_project: Callable[..., Change[str]]
) -> Iterator[list[Replica]]:
    """Two that read one database, with models `m` and `other`."""
    writer.start()
    for change in (create_project("p"), create(MODEL), create(ModelName("p", "other"))):
        writer.submit(change).result(30)
    other = Database(database.url.render_as_string(hide_password=False))
    both = [Replica(database, writer), Replica(other, writer)]
    yield both
    for replica in both:
        replica.execution.close()
    other.close()


async def test_an_answer_is_kept_until_an_entry_names_the_model_in_every_process(
    replicas: list[Replica], writer: Writer
) -> None:
    for replica in replicas:
        await replica.ask()  # the first connection is opened, which drops what was known before
        kept = await replica.ask()
        readings = replica.readings
        assert [await replica.ask() for _ in range(3)] == [kept] * 3
        writer.submit(touch(ModelName("p", "other"))).result(30)
        assert await replica.ask() == kept
        assert replica.readings == readings
    writer.submit(touch(MODEL)).result(30)
    assert [await replica.ask() for replica in replicas] == ["as of 6", "as of 6"]


async def test_whatever_is_acknowledged_is_in_the_next_answer(
    replicas: list[Replica], writer: Writer
) -> None:
    for revision in range(4, 30):
        writer.submit(touch(MODEL)).result(30)
        assert [await replica.ask() for replica in replicas] == [f"as of {revision}"] * 2


async def test_nothing_known_before_the_connections_ended_is_given_again(replicas: list[Replica]) -> None:
    """A database can be put back to an older state: then one revision stands for two histories."""
    replica = replicas[0]
    for _ in range(2):
        await replica.ask()
    readings = replica.readings
    end_connections(replica)
    await replica.ask()
    assert replica.readings == readings + 1


def end_connections(replica: Replica) -> None:
    """End those that marks are read over, from the other side where there is one."""
    database, marks = replica.execution._database, replica.execution._marks
    if database.is_sqlite:
        database._close_idle()
        return
    assert marks._direct is not None
    ended = [marks._direct._look_up._connection.backend_pid]
    ended += [held.dbapi_connection.info.backend_pid for held in database._idle]  # type: ignore[union-attr]
    with psycopg.connect(database.url.render_as_string(hide_password=False), autocommit=True) as operator:
        operator.execute("SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s) AS pid", (ended,))


async def test_many_models_are_asked_for_at_once_and_each_gets_its_own_answer(
    replicas: list[Replica], writer: Writer
) -> None:
    replica = replicas[0]
    models = [ModelName("p", f"model-{number}") for number in range(40)]
    for future in [writer.submit(create(model)) for model in models]:
        future.result(30)
    # What is not there is asked for among the others.
    asked = [*models, *(ModelName("p", f"nobody-{number}") for number in range(5))]
    for turn in range(4):
        if turn == 2:
            end_connections(replica)
        marks = await asyncio.gather(*(replica.execution._marks.of(model) for model in asked))
        assert [mark and mark.revision for mark in marks] == [*range(4, 44), *[None] * 5]
        assert len({mark.model_id for mark in marks if mark}) == len(models)


async def test_a_loop_that_asks_goes_on_after_one_that_asked_before_it_ended(replicas: list[Replica]) -> None:
    """An execution outlives a loop in tests and tools alone, but must not wait for one that is over."""
    replica = replicas[0]
    found = [await replica.ask() for _ in range(2)]
    elsewhere = await asyncio.to_thread(lambda: asyncio.run(replica.ask()))
    assert [*found, elsewhere, await replica.ask()] == ["as of 3"] * 4


def test_the_memory_that_answers_take_is_bounded_and_the_latest_used_stay() -> None:
    answers = Answers(capacity_bytes=50_000)
    for number in range(1_000):
        answers.put(Mark(number, 1, 1), "q", bytes(600))
        assert answers.get(Mark(0, 1, 1), "q") is not None
        assert answers.size_bytes <= 50_000
    assert answers.get(Mark(999, 1, 1), "q") is not None
    assert answers.get(Mark(500, 1, 1), "q") is None
    answers.put(Mark(0, 1, 1), "q", bytes(49_000))
    assert answers.get(Mark(0, 1, 1), "q") is None


@pytest.mark.parametrize("other", [Mark(1, 2, 1), Mark(1, 1, 2), Mark(2, 1, 1)])
def test_an_answer_is_given_for_exactly_the_state_it_was_made_from(other: Mark) -> None:
    answers = Answers()
    answers.put(Mark(1, 1, 1), "q", b"answer")
    assert answers.get(other, "q") is None
    assert answers.get(Mark(1, 1, 1), "another") is None
    assert answers.get(Mark(1, 1, 1), "q") == b"answer"
