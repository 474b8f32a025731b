"""A registry with something of everything in it, made in this process: quick, and the same for every seed."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muniment.digests import Digest
from muniment.ledger.checkpoint import Checkpoint
from muniment.names import AliasName, ModelName, StageName, VersionName
from muniment.v1 import prediction_pb2
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.collection.cool import Cooled, cool_archived
from muniment_artifact.collection.sweep import our_turn
from muniment_artifact.manifest import FileEntry, build_manifest
from muniment_core.db.artifact_store import Chunk
from muniment_core.db.request_store import RequestKey
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.db.writer import Change
from muniment_core.domain.access import Principal, Role
from muniment_core.domain.catalog import (
    Code,
    Dataset,
    Environment,
    FrozenRecord,
    MetricValue,
    NewVersion,
    Parent,
    ParentRelation,
    ProcessingStep,
    Run,
    Signature,
    bytes_digest,
)
from muniment_core.domain.prediction import SenderKey
from muniment_core.domain.promotion import DeploymentRecord, DeploymentState
from muniment_core.domain.tiers import Policy, Shelf
from muniment_core.signing.changes import record_recovery
from muniment_metadata.aliases import delete_alias, set_alias
from muniment_metadata.lifecycle import archive_version, restore_version
from muniment_metadata.metrics import add_metrics
from muniment_metadata.models import create_model, delete_model, update_model
from muniment_metadata.predictions.body import pack_body
from muniment_metadata.predictions.messages import SentMessage
from muniment_metadata.predictions.record import check_predictions
from muniment_metadata.predictions.sealing import StoredBody, seal_in
from muniment_metadata.predictions.tree import batch_root
from muniment_metadata.projects import create_project
from muniment_metadata.tokens import create_token, revoke_token
from muniment_metadata.updates import LabelChange
from muniment_metadata.versions import create_version, delete_version, update_version
from muniment_promotion.deployments import report_deployment
from muniment_promotion.promotions import (
    PromotionRequest,
    RollbackRequest,
    choose_rollback,
    promote,
    roll_back,
)
from muniment_server.blobs import open_stores
from muniment_server.core import Core, running_core
from muniment_server.settings import StorageSettings
from muniment_server.signing import active_key

ADMIN = Principal("ann", roles={}, instance_roles=frozenset({Role.ADMIN}))
Work = Callable[[UnitOfWork], Any]

MEASURED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def storage(data: Path, database: str = "") -> StorageSettings:
    """Settings of a registry whose bytes are in a directory."""
    return StorageSettings(
        data=data,
        database=database,
        s3_endpoint="",
        s3_bucket="",
        s3_region="",
        s3_access_key="",
        s3_secret_key="",
        s3_plain_http=False,
        signing_key=None,
        anchor=None,
        log_origin="",
    )


class Population:
    """Makes changes, each as its own request of the principal `ann`."""

    def __init__(
        self, core: Core, settings: StorageSettings, seed: int, after_each: Callable[[], None]
    ) -> None:
        self._writer = core.writer
        self._execution = core.execution
        stores = open_stores(settings)
        self._blobs, self._bodies, self._cold = (
            stores[Shelf.HOT],
            stores[Shelf.PREDICTIONS],
            stores[Shelf.COLD],
        )
        self._after_each = after_each
        self._count = 0
        self.random = random.Random(seed)

    def change(self, work: Work) -> Any:
        """Makes one change and returns what the use case answered."""
        answers: list[Any] = []
        self._count += 1
        request_id = f"request-{self._count}"

        def respond(unit: UnitOfWork) -> bytes:
            answers.append(work(unit))
            return f"answer {self._count}".encode()

        fingerprint = hashlib.sha256(request_id.encode()).digest()
        key = RequestKey(ADMIN.name, request_id, fingerprint)
        self._writer.submit(Change(respond, ADMIN.name, request=key)).result()
        self._after_each()
        return answers[-1]

    def manifest(self, project: str, *contents: bytes) -> str:
        """Stores files, one chunk each, and returns the digest of their manifest."""
        files = []
        for number, content in enumerate(contents):
            digest = put_blob(self._blobs, content)
            files.append(FileEntry(f"file-{number}", digest, len(content), (Chunk(digest, len(content)),)))
        manifest = build_manifest(files)
        for blob in (manifest.config, manifest.chunk_map):
            put_blob(self._blobs, blob)

        def keep(unit: UnitOfWork) -> str:
            project_id = unit.projects.require(project).id
            chunks = [chunk for file in files for chunk in file.chunks]
            digests, epoch = [chunk.digest for chunk in chunks], unit.collection.epoch()
            unit.artifacts.add_chunks(project_id, chunks, now=unit.now, epoch=epoch)
            unit.artifacts.add_manifest(
                project_id, manifest.record, chunks=digests, now=unit.now, epoch=epoch
            )
            return manifest.record.digest.text

        return self._writer.submit(Change(keep, ADMIN.name, recorded=False)).result()

    def version(self, model: ModelName, *, parents: tuple[Parent, ...] = ()) -> int:
        """Registers a version with something in every field; returns its number."""
        dice = self.random
        digest = self.manifest(model.project, dice.randbytes(40), dice.randbytes(70))
        bundle = dice.randbytes(50)
        new = NewVersion(
            digest=digest,
            description=f"trained with seed {dice.random()}",
            tags={"team": "risk", "größe": str(dice.randrange(9))},
            frozen=FrozenRecord(
                params={"depth": float(dice.randrange(10)), "rate": dice.random(), "loss": "hinge"},
                datasets=(
                    Dataset("churn", "2026-11", Digest.of(dice.randbytes(4)).text, "s3://data/churn"),
                    Dataset("holdout", role="test"),
                ),
                parents=parents,
                code=Code("https://example.com/churn.git", dice.randbytes(20).hex(), True, "train.py"),
                run=Run(f"run-{dice.randrange(1000)}", "https://example.com/runs"),
                environment=Environment("3.11.9", "linux", "node-1", {"numpy": "2.1.0"}),
                processing_steps=(ProcessingStep("scale", "to unit variance"),),
                signature=Signature(bytes_digest(bundle), "a public key"),
            ),
            bundle=bundle,
            metrics=self.metrics("f1", "auc", "f1"),
        )
        made = self.change(lambda unit: create_version(unit, model, new, principal=ADMIN))
        return int(made.name.number)

    def predictions(self, model: ModelName, number: int) -> int:
        """Seals a batch of predictions of a version; returns its revision."""
        version = model.version(number)
        records = []
        for second in range(5):
            message = prediction_pb2.Prediction(
                id=f"{version.text}-{second}-{self.random.random()}",
                version=version.text,
                input_digest=self.random.randbytes(32),
                output_digest=self.random.randbytes(32),
            )
            message.time.FromDatetime(MEASURED + timedelta(minutes=17 * second))
            records.append(message.SerializeToString())
        checked = check_predictions(records)
        body = pack_body(records)
        stored = StoredBody(batch_root(checked.leaves), put_blob(self._bodies, body).text, len(body), epoch=0)

        def seal(unit: UnitOfWork) -> int:
            sender = SenderKey(unit.projects.require(model.project).id, unit.actor, "sender-1")
            ids = {version.text: unit.versions.require(version).id}
            sequence = unit.predictions.position(sender).sequence + 1
            sent = SentMessage(sender, sequence, checked, ids, Future())  # type: ignore[arg-type]
            return seal_in(model.project, [sent], stored, unit)

        return int(self.change(seal))

    def cool(self) -> None:
        """Moves the bytes of archived versions into the cold tier, however short they have been archived."""
        policy = Policy(self._execution.clock() + timedelta(days=1))

        async def cooling() -> None:
            async with our_turn(self._execution) as turn:
                stores = {Shelf.HOT: self._blobs, Shelf.COLD: self._cold}
                await cool_archived(self._execution, stores, policy, turn, Cooled())
                await self._execution.note(release)

        def release(unit: UnitOfWork) -> None:
            unit.collection.decide()
            unit.releases.release_chunks(unit.releases.unreferenced_chunks(policy, limit=1000), policy)

        asyncio.run(cooling())

    def metrics(self, *keys: str) -> tuple[MetricValue, ...]:
        """Measured values, a few of them no numbers."""
        special = [float("nan"), float("inf"), float("-inf")]
        return tuple(
            MetricValue(
                key,
                self.random.choice([self.random.random(), self.random.random(), *special]),
                step,
                "holdout",
                ADMIN.name,
                MEASURED + timedelta(microseconds=self.random.randrange(10**9)),
            )
            for step, key in enumerate(keys)
        )


def populate(
    data: Path,
    database: str = "",
    *,
    seed: int = 1,
    rounds: int = 12,
    after_each: Callable[[], None] = lambda: None,
) -> None:
    """Makes a registry: `rounds` times some 25 changes of every kind in one model after the other.

    Args:
        data: its data directory.
        database: address of a migrated PostgreSQL database; empty: SQLite in the data directory.
        seed: decides about all random choices.
        rounds: how often.
        after_each: called after every change.
    """
    with running_core(storage(data, database)) as core:
        key = active_key(core.database)
        assert key is not None
        given_up = Checkpoint(key.name, 9, hashlib.sha256(b"given up").digest())
        core.writer.submit(Change(lambda unit: record_recovery(unit, given_up, "restored"), "ann")).result()
    with running_core(storage(data, database)) as core:
        all_of_it = Population(core, storage(data, database), seed, after_each)
        all_of_it.change(lambda unit: create_project(unit, "Risk", "who pays back"))
        for number in range(rounds):
            _one_round(all_of_it, ModelName("Risk" if number % 3 == 1 else "default", f"Model-{number}"))
            core.keeper.keep(core.writer)


def _one_round(made: Population, model: ModelName) -> None:
    change = made.change
    change(lambda unit: create_model(unit, model, description="first words", tags={"kind": "tree"}))
    first = made.version(model)
    second = made.version(model, parents=(Parent(model.version(first), ParentRelation.FINETUNED),))
    third, fourth = made.version(model), made.version(model)
    change(lambda unit: update_model(unit, model, LabelChange("other words"), etag=""))
    change(
        lambda unit: update_version(unit, model.version(third), LabelChange(tags={"stage": "late"}), etag="")
    )
    change(lambda unit: add_metrics(unit, model.version(second), made.metrics("f1", "loss")))
    change(lambda unit: add_metrics(unit, model.version(second), made.metrics("loss")))
    change(lambda unit: add_metrics(unit, model.version(second), ()))
    for alias, number in (("champion", first), ("champion", second), ("spare", third), ("old", fourth)):
        change(_alias_set(AliasName(model.project, model.model, alias), number))
    change(lambda unit: delete_alias(unit, AliasName(model.project, model.model, "spare"), expected=third))
    for stage, number in (
        ("staging", first),
        ("staging", second),
        ("production", second),
        ("staging", third),
    ):
        change(
            _promoted(
                PromotionRequest(
                    version=model.version(number), stage=stage, expected_current=None, reason="better"
                )
            )
        )
    for to in (0, third, 0):
        change(_rolled_back(model.stage("staging"), to))
    change(lambda unit: delete_version(unit, model.version(fourth), etag="", principal=ADMIN))
    fifth, sixth = made.version(model), made.version(model)
    for number in (fifth, sixth):
        change(_archived(model.version(number)))
    change(lambda unit: restore_version(unit, model.version(sixth), etag="", reason="needed after all"))
    made.cool()
    made.predictions(model, second)
    made.predictions(model, third)
    for acted in (1, 2):
        change(_reported(model, second, acted))
    token = change(
        lambda unit: create_token(
            unit,
            made.random.randbytes(32),
            principal="bob",
            project=made.random.choice([None, model.project]),
            roles=frozenset({Role.READER, Role.WRITER}),
            expire_time=unit.now + timedelta(days=30),
        )
    )
    if made.random.random() < 0.5:
        change(lambda unit: revoke_token(unit, token.project, token.id))
    gone = ModelName(model.project, f"{model.model}-gone")
    change(lambda unit: create_model(unit, gone, description="", tags={}))
    made.version(gone)
    change(lambda unit: delete_model(unit, gone, etag="", principal=ADMIN))


def _archived(name: VersionName) -> Work:
    return lambda unit: archive_version(unit, name, etag="", reason="obsolete")


def _alias_set(name: AliasName, number: int) -> Work:
    return lambda unit: set_alias(unit, name, number=number, expected=None)


def _promoted(request: PromotionRequest) -> Work:
    return lambda unit: promote(unit, request)


def _rolled_back(name: StageName, to: int) -> Work:
    request = RollbackRequest(stage=name, to_number=to, expected_current=None, reason="worse")
    return lambda unit: roll_back(unit, request, choose_rollback(unit, request))


def _reported(model: ModelName, number: int, acted: int) -> Work:
    return lambda unit: report_deployment(
        unit,
        DeploymentRecord(
            target="edge-1",
            model=model,
            stage="production",
            number=number,
            digest=unit.versions.require(model.version(number)).digest,
            state=DeploymentState.RUNNING,
            acted_revision=acted,
            message="warm",
            reporter=unit.actor,
            report_time=unit.now,
        ),
    )
