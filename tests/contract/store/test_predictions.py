"""Sealing and retention of predictions on both databases, with bodies in memory that can fail."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from muniment.digests import Digest
from muniment.ledger.merkle import verify_inclusion
from muniment.names import ModelName, VersionName
from muniment.v1.prediction_pb2 import Prediction
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.db.writer import Change, Writer
from muniment_core.domain.access import SYSTEM
from muniment_core.domain.catalog import FrozenRecord, NewVersion
from muniment_core.domain.errors import SequenceBroken, StorageUnavailable
from muniment_core.domain.ledger import Entry
from muniment_core.domain.merkle import leaf_hash
from muniment_core.domain.prediction import PredictionScope, SenderKey
from muniment_core.rpc.execution import Execution
from muniment_metadata.models import create_model
from muniment_metadata.predictions import finding
from muniment_metadata.predictions.messages import SentMessage
from muniment_metadata.predictions.reading import Period, count_predictions
from muniment_metadata.predictions.record import check_predictions
from muniment_metadata.predictions.retention import expire_predictions
from muniment_metadata.predictions.sealing import seal
from muniment_metadata.predictions.tree import batch_root, inclusion_path
from muniment_metadata.versions import create_version

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VERSION = "projects/p/models/m/versions/1"


class Bodies:
    """Bodies in memory; `failing` makes every call fail, as a store that is away does; `read` counts reads."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.failing = False
        self.read = 0

    def _check(self) -> None:
        if self.failing:
            raise StorageUnavailable("predictions")

    def put(self, data: bytes) -> str:
        self._check()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return digest

    def get(self, digest: str, size: int) -> bytes:
        self._check()
        self.read += 1
        return self.kept[digest]

    def drop(self, digest: str) -> None:
        self._check()
        self.kept.pop(digest, None)


@pytest.fixture
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def execution(
    database: Database, writer: Writer, create_project: Callable[..., Change[str]]
) -> Iterator[Execution]:
    """Over a project `p` that has version 1 of model `m`."""
    writer.start()
    writer.submit(create_project("p")).result()
    model = ModelName("p", "m")
    digest = Digest.of(b"{}")
    manifest = ManifestRecord(
        digest=digest,
        body=b"{}",
        config_digest=digest,
        chunk_map=Chunk(digest, 2),
        size_bytes=0,
        file_count=0,
    )

    def add_manifest(unit: UnitOfWork) -> None:
        project = unit.projects.require("p")
        unit.artifacts.add_manifest(project.id, manifest, chunks=(), now=unit.now, epoch=0)

    new = NewVersion(digest=digest.text, description="", tags={}, frozen=FrozenRecord(), metrics=())
    writer.submit(Change(add_manifest, "ann", recorded=False)).result()
    writer.submit(Change(lambda unit: create_model(unit, model, description="", tags={}), "ann")).result()
    writer.submit(Change(lambda unit: create_version(unit, model, new, principal=SYSTEM), "ann")).result()
    made = Execution(database, writer, lambda: NOW)
    yield made
    made.close()


@pytest.fixture
def message(execution: Execution, database: Database) -> Callable[..., SentMessage]:
    """A message of a sender: `message(1, "id", …)`; to be called on an event loop."""
    with database.reading() as connection:
        reader = Reader(connection, NOW)
        project_id = reader.projects.require("p").id
        version = reader.versions.require(VersionName.parse(VERSION))

    def make(sequence: int, *names: str, sender: str = "s") -> SentMessage:
        records = []
        for name in names:
            one = Prediction(id=name, version=VERSION, input_digest=bytes(32), output_digest=bytes(32))
            one.time.FromDatetime(NOW)
            records.append(one.SerializeToString())
        return SentMessage(
            SenderKey(project_id, "ann", sender),
            sequence,
            check_predictions(records),
            {VERSION: version.id},
            asyncio.get_running_loop().create_future(),
        )

    return make


def counted(database: Database) -> int:
    with database.reading() as connection:
        return connection.exec_driver_sql(
            "SELECT coalesce(sum(count), 0) FROM prediction_shares"
        ).scalar_one()


async def test_copies_in_one_batch_are_kept_once_and_all_acknowledged(
    execution: Execution, bodies: Bodies, message: Callable[..., SentMessage], database: Database
) -> None:
    messages = [message(1, "a"), message(2, "b"), message(1, "a"), message(2, "b"), message(3, "c")]
    await seal(execution, bodies, messages, project="p", actor="ann")
    assert len({await one.sealed for one in messages}) == 1
    assert counted(database) == 3
    again = [message(3, "c"), message(5, "e")]
    await seal(execution, bodies, again, project="p", actor="ann")
    assert await again[0].sealed == await messages[0].sealed
    with pytest.raises(SequenceBroken):
        await again[1].sealed
    assert counted(database) == 3


async def test_two_replicas_that_got_the_same_messages_seal_them_once(
    execution: Execution, bodies: Bodies, message: Callable[..., SentMessage], database: Database
) -> None:
    for round_ in range(5):
        first, second = 2 * round_ + 1, 2 * round_ + 2
        copies = [[message(first, "a"), message(second, "b")] for _ in range(3)]
        await asyncio.gather(*(seal(execution, bodies, one, project="p", actor="ann") for one in copies))
        assert len({await one.sealed for messages in copies for one in messages}) == 1
        assert counted(database) == second


async def test_a_batch_whose_body_cannot_be_kept_is_not_sealed(
    execution: Execution, bodies: Bodies, message: Callable[..., SentMessage], database: Database
) -> None:
    bodies.failing = True
    sent = message(1, "a")
    with pytest.raises(StorageUnavailable):
        await seal(execution, bodies, [sent], project="p", actor="ann")
    assert counted(database) == 0
    bodies.failing = False
    await seal(execution, bodies, [sent], project="p", actor="ann")
    assert await sent.sealed


async def test_of_an_id_used_again_and_again_the_first_is_found_in_few_batches(
    execution: Execution,
    bodies: Bodies,
    message: Callable[..., SentMessage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "MOST_BATCHES", 3)
    revisions = []
    for number in range(1, 6):
        sent = message(number, "same", "same")
        await seal(execution, bodies, [sent], project="p", actor="ann")
        revisions.append(await sent.sealed)
    before = bodies.read
    found = await finding.find_prediction(execution, bodies, "p", "same")
    assert (found.batch.revision, found.index, found.same_id_count) == (revisions[0], 0, 5)
    assert bodies.read - before == 3


async def test_retention_that_was_cut_short_is_finished_by_the_next_run(
    execution: Execution,
    bodies: Bodies,
    message: Callable[..., SentMessage],
    writer: Writer,
    committed: list[list[Entry]],
) -> None:
    for sequence in (1, 2, 3):
        await seal(execution, bodies, [message(sequence, "a")], project="p", actor="ann")
    assert await expire_predictions(execution, bodies, older_than=timedelta(seconds=1)) == 0
    bodies.failing = True
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await expire_predictions(execution, bodies, older_than=timedelta(seconds=-1))
    assert len(bodies.kept) == 3
    bodies.failing = False
    assert await expire_predictions(execution, bodies, older_than=timedelta(seconds=-1)) == 3
    assert await expire_predictions(execution, bodies, older_than=timedelta(seconds=-1)) == 0
    assert bodies.kept == {}
    writer.stop()  # who is told of entries may be told after the callers were answered
    (expired,) = [
        json.loads(entry.body)
        for batch in committed
        for entry in batch
        if entry.draft.type == "predictions.expired"
    ]
    assert len(expired["data"]["batches"]) == 3


async def test_what_was_dropped_counts_from_a_time_on_and_before_another(
    execution: Execution, bodies: Bodies, message: Callable[..., SentMessage]
) -> None:
    await seal(execution, bodies, [message(1, "a", "b")], project="p", actor="ann")
    scope = await execution.read(
        lambda reader: PredictionScope(
            project_id=reader.projects.require("p").id,
            version_id=reader.versions.require(VersionName.parse(VERSION)).id,
        )
    )
    now, microsecond = int(NOW.timestamp()) * 10**9, 1000
    periods = {
        Period(): 2,
        Period(start=now): 2,
        Period(start=now + microsecond): 0,
        Period(end=now): 0,
        Period(end=now + microsecond): 2,
        Period(start=now - microsecond, end=now): 0,
        Period(start=now, end=now + microsecond): 2,
    }
    for period, expected in periods.items():
        assert await count_predictions(execution, bodies, scope, period) == (expected, 0), period
    await expire_predictions(execution, bodies, older_than=timedelta(seconds=-1))
    for period, expected in periods.items():
        assert await count_predictions(execution, bodies, scope, period) == (0, expected), period


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 13, 64, 100])
def test_the_tree_of_a_batch_is_that_of_the_standard(size: int) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    root = batch_root(leaves)
    for index, leaf in enumerate(leaves):
        verify_inclusion(leaf, index, size, inclusion_path(leaves, index), root)
