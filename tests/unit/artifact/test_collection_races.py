"""Storing and removing blobs, step by step in every order: nothing ever refers to a blob that is gone."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from muniment.digests import Digest
from muniment_artifact.blobs.memory import MemoryBlobStore
from muniment_core.db.artifact_store import Chunk
from muniment_core.db.artifact_tables import held_chunks
from muniment_core.db.collection_store import CollectedMeanwhile, CollectionStore, CondemnedBlob
from muniment_core.db.database import Database
from muniment_core.db.tables import metadata
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.tiers import Policy, Shelf
from sqlalchemy import select

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = Policy(NOW + timedelta(days=1))
CONTENTS = [b"one", b"two"]
WRITERS = st.integers(0, 2)


@cache
def two_projects() -> bytes:
    """A database with two projects, for every example to begin with."""
    with tempfile.TemporaryDirectory() as directory:
        database = Database.embedded(Path(directory))
        with database.writing() as connection:
            metadata.create_all(connection)
            for name in ("one", "two"):
                Reader(connection, NOW).projects.create(name, description="", now=NOW, revision=0)
        database.close()
        return Path(directory, Database.FILE).read_bytes()


@dataclass
class Writing:
    """A chunk on its way: stored in an epoch, to be referred to by a project."""

    project: int
    data: bytes
    epoch: int
    stored: bool = False

    @property
    def chunk(self) -> Chunk:
        return Chunk(Digest.of(self.data), len(self.data))


class Races(RuleBasedStateMachine):
    """Three writers and one collector that may die anywhere; each rule is one step that nothing can divide."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        (self.directory / Database.FILE).write_bytes(two_projects())
        self.database = Database.embedded(self.directory)
        self.blobs = MemoryBlobStore()
        self.writing: dict[int, Writing] = {}
        self.doomed: list[CondemnedBlob] = []
        self.removed: set[Digest] = set()

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.directory)

    @rule(writer=WRITERS, project=st.sampled_from([1, 2]), data=st.sampled_from(CONTENTS))
    def a_writer_begins(self, writer: int, project: int, data: bytes) -> None:
        with self.database.reading() as connection:
            self.writing[writer] = Writing(project, data, CollectionStore(connection).epoch())

    @rule(writer=WRITERS)
    def its_blob_becomes_durable(self, writer: int) -> None:
        if writer in self.writing:
            one = self.writing[writer]
            self.blobs.keep(one.chunk.digest, one.data)
            one.stored = True

    @rule(writer=WRITERS)
    def it_refers_to_its_blob(self, writer: int) -> None:
        one = self.writing.get(writer)
        if one is None or not one.stored:
            return
        try:
            with self.database.writing() as connection:
                store = Reader(connection, NOW).artifacts
                store.add_chunks(one.project, [one.chunk], now=NOW, epoch=one.epoch)
        except CollectedMeanwhile as moved:
            if not moved.deleting:
                one.epoch = moved.epoch
                one.stored = self.blobs.stat(one.chunk.digest) is not None
            return
        del self.writing[writer]

    @rule()
    def a_project_lets_go_what_it_held(self) -> None:
        with self.database.writing() as connection:
            releases = Reader(connection, NOW).releases
            releases.release_chunks(releases.unreferenced_chunks(LATER, limit=1), LATER)

    @rule()
    def the_collector_condemns(self) -> None:
        orphans = [CondemnedBlob(Shelf.HOT, blob.digest, blob.size) for blob in self.blobs.list()]
        with self.database.writing() as connection:
            CollectionStore(connection).condemn(orphans, now=NOW)

    @precondition(lambda self: not self.doomed)
    @rule()
    def it_says_what_it_will_remove(self) -> None:
        with self.database.writing() as connection:
            self.doomed = CollectionStore(connection).doom([Shelf.HOT], limit=2)
        self.removed.clear()

    @rule(which=st.integers(0, 1))
    def it_removes_one(self, which: int) -> None:
        if which < len(self.doomed):
            self.blobs.delete(self.doomed[which].digest)
            self.removed.add(self.doomed[which].digest)

    @precondition(lambda self: self.doomed)
    @rule()
    def it_removes_the_rest_and_says_so(self) -> None:
        for blob in self.doomed:
            if blob.digest not in self.removed:
                self.blobs.delete(blob.digest)
        with self.database.writing() as connection:
            CollectionStore(connection).forget(self.doomed)
        self.doomed = []

    @rule()
    def it_dies(self) -> None:
        self.doomed = []

    @invariant()
    def what_a_project_holds_is_there(self) -> None:
        with self.database.reading() as connection:
            held = set(connection.execute(select(held_chunks.c.digest)).scalars())
        assert held <= {digest.text for digest in self.blobs.blobs}


TestRaces = Races.TestCase
TestRaces.settings = settings(max_examples=25, stateful_step_count=40)


STEPS = ("read epoch", "store", "refer"), ("condemn", "say", "remove", "tell")


def orders() -> list[list[str]]:
    """Every way in which the steps of a writer and of a collector can follow each other."""
    writer, collector = STEPS
    found = []
    for places in combinations(range(len(writer) + len(collector)), len(writer)):
        mine, theirs = iter(writer), iter(collector)
        count = len(writer) + len(collector)
        found.append([next(mine) if place in places else next(theirs) for place in range(count)])
    return found


def test_whatever_the_order_a_claim_that_succeeds_is_of_a_blob_that_stays() -> None:
    outcomes = Counter[str]()
    for order in orders():
        races = Races()
        try:
            races.blobs.keep(Digest.of(CONTENTS[0]), CONTENTS[0])
            steps = {
                "read epoch": lambda: races.a_writer_begins(0, 1, CONTENTS[0]),  # noqa: B023
                "store": lambda: races.its_blob_becomes_durable(0),  # noqa: B023
                "refer": lambda: races.it_refers_to_its_blob(0),  # noqa: B023
                "condemn": races.the_collector_condemns,
                "say": races.it_says_what_it_will_remove,
                "remove": lambda: races.it_removes_one(0),  # noqa: B023
                "tell": lambda: races.it_removes_the_rest_and_says_so() if races.doomed else None,  # noqa: B023
            }
            for step in order:
                steps[step]()
                races.what_a_project_holds_is_there()
            outcomes["claimed" if not races.writing else "refused"] += 1
        finally:
            races.teardown()
    assert sum(outcomes.values()) == 35
    assert outcomes["claimed"]
    assert outcomes["refused"]
