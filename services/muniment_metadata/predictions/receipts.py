"""Receipts: gathered from one snapshot, and verified before they are given to anyone."""

from __future__ import annotations

import asyncio
import json
import time as clock
from functools import partial
from typing import Any

from muniment.digests import Digest
from muniment.ledger.evidence import InvalidEvidence
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import leaf_hash
from muniment.ledger.receipt import UPDATED, Proved, ReceiptParts, verify_receipt
from muniment.names import VersionName
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.access import Principal
from muniment_core.domain.catalog import VersionRecord
from muniment_core.domain.errors import BytesDamaged, CheckpointPending, EntryNotFound
from muniment_core.domain.ledger import Entry
from muniment_core.domain.proofs import DamagedTree, plan_inclusion
from muniment_core.domain.signing import KEY_ROTATED
from muniment_core.rpc.convert import time
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.finding import FoundPrediction, find_prediction
from muniment_metadata.predictions.lineage import Provenance, provenance
from muniment_metadata.predictions.tree import inclusion_path
from muniment_metadata.visibility import may_read

SIGNED_WITHIN_SECONDS = 5.0
"""The signer is at most a second behind; a machine under load may take several times that."""
_POLL_SECONDS = 0.05


async def make_receipt(
    execution: Execution, bodies: BodyStore, project: str, prediction_id: str, *, principal: Principal
) -> bytes:
    """The receipt of a prediction, once a signed checkpoint covers its batch.

    What is frozen of the version is withheld from a caller who may not read all of the parents it names: no part
    of it could be left out without breaking its digest.

    Raises:
        PredictionNotFound, PredictionExpired: as :func:`find_prediction`.
        CheckpointPending: if its batch was not signed in time.
        BytesDamaged: if what is stored does not prove it.
    """
    found = await find_prediction(execution, bodies, project, prediction_id)
    end = clock.monotonic() + SIGNED_WITHIN_SECONDS
    while True:
        try:
            parts, keys = await execution.query(partial(_gather, found, principal))
        except CheckpointPending:
            if clock.monotonic() > end:
                raise
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return await execution.io(partial(_verified, found, parts, keys))


def _verified(found: FoundPrediction, parts: ReceiptParts, keys: list[PublicKey]) -> bytes:
    data = parts.to_bytes()
    try:
        verify_receipt(data, keys)
    except InvalidEvidence as error:
        raise BytesDamaged(
            f"sha256:{found.batch.root_hash.hex()}", f"they do not prove the prediction ({error})"
        ) from error
    return data


def _gather(
    found: FoundPrediction, principal: Principal, reader: Reader
) -> tuple[ReceiptParts, list[PublicKey]]:
    signed = reader.checkpoints.latest()
    revision = found.batch.revision
    if signed is None or signed.size < revision:
        raise CheckpointPending(revision, 0 if signed is None else signed.size)
    prove = partial(_proved, reader, signed.size)
    message = found.message
    known: Provenance = provenance(
        reader,
        VersionName.parse(message.version),
        time=time("time", message.time),
        sealed_revision=revision,
    )
    version = known.version
    labels_entry = _labels_entry(reader, version, signed.size)
    project = reader.projects.require(version.name.project)
    manifest = reader.artifacts.require_manifest(project.id, Digest(version.digest))
    withheld = not all(may_read(principal, parent.version.project) for parent in version.frozen.parents)
    keys = reader.checkpoints.log_keys()
    changes = [_entry(reader, key.revision) for key in keys if key.revision <= signed.size]
    labels: dict[str, Any] = {"description": version.description, "tags": dict(version.tags)}
    parts = ReceiptParts(
        checkpoint=signed.note,
        record=found.data,
        index=found.index,
        path=inclusion_path([leaf_hash(record) for record in found.records], found.index),
        sealed=prove(_entry(reader, revision)),
        created=prove(_entry(reader, version.create_revision)),
        frozen=None if withheld else json.loads(reader.versions.record_of(version.id)),
        manifest=json.loads(manifest.body),
        labels=labels,
        labels_entry=None if labels_entry is None else prove(labels_entry),
        stages=[prove(entry) for entry in known.stage_entries],
        # Whoever trusts an older key can follow it to the one that signed.
        rotations=[prove(entry) for entry in changes if entry.draft.type == KEY_ROTATED],
    )
    return parts, [key.public for key in keys]


def _proved(reader: Reader, size: int, entry: Entry) -> Proved:
    plan = plan_inclusion(entry.revision - 1, size)
    try:
        hashes = plan.proof(reader.tree.hashes(plan.places))
    except DamagedTree as error:
        raise BytesDamaged(f"sha256:{entry.leaf_hash.hex()}", str(error)) from error
    return Proved(json.loads(entry.body), hashes)


def _entry(reader: Reader, revision: int) -> Entry:
    entry = reader.ledger.entry(revision)
    if entry is None:
        raise EntryNotFound(revision, reader.ledger.size())
    return entry


def _labels_entry(reader: Reader, version: VersionRecord, size: int) -> Entry | None:
    """The entry that set description and tags; None: the version was created with them.

    Raises:
        CheckpointPending: if it is not signed yet.
    """
    if version.revision == version.create_revision:
        return None
    found = _entry(reader, version.revision)
    if found.draft.type != UPDATED:
        # It changed in another way since.
        changed = _last_update(reader, version)
        if changed is None:
            return None
        found = changed
    if found.revision > size:
        raise CheckpointPending(found.revision, size)
    return found


def _last_update(reader: Reader, version: VersionRecord) -> Entry | None:
    name = version.name
    query = EntryQuery(project=name.project, model=name.model, number=name.number, types=(UPDATED,))
    return next(iter(reader.ledger.before(version.revision, query, limit=1)), None)
