"""What needs which bytes, as conditions of SQL: the one place that says when something may go.

A version needs its manifest, and unless it was deleted the chunks as well; a manifest needs its chunks, its
config and its chunk map; a row needs its blob. What no version needs is kept for as long as its lease is fresh:
somebody may be about to register it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from muniment.digests import Digest
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    false,
    not_,
    or_,
    select,
    union,
)

from muniment_core.db.artifact_tables import held_chunks, manifest_chunks, manifests
from muniment_core.db.prediction_tables import prediction_batches
from muniment_core.db.tables import versions
from muniment_core.domain.catalog import VersionState
from muniment_core.domain.tiers import Shelf, Tier

_OF_MANIFEST = and_(versions.c.project_id == manifests.c.project_id, versions.c.digest == manifests.c.digest)


def _some_version(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(versions.c.id).where(_OF_MANIFEST, *conditions).correlate(manifests).exists()


REGISTERED = _some_version()
"""Whether a manifest is, or was, that of a version."""
WANTED = _some_version(versions.c.state != VersionState.DELETED)
"""Whether a version needs a manifest's chunks."""


def forgotten(before: datetime) -> ColumnElement[bool]:
    """Manifests that never became a version, and will not."""
    return and_(manifests.c.lease_time < before, not_(REGISTERED))


def given_up(before: datetime) -> ColumnElement[bool]:
    """Manifests whose versions all gave their bytes up some time ago."""
    return and_(
        manifests.c.tier != Tier.GONE,
        manifests.c.lease_time < before,
        REGISTERED,
        not_(WANTED),
        not_(_some_version(versions.c.update_time >= before)),
    )


def unreferenced(before: datetime, *, leaving: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """Chunks no manifest is made of and nobody counts on; manifests that are leaving do not count."""
    referring = (
        select(manifest_chunks.c.chunk_id)
        .where(manifest_chunks.c.chunk_id == held_chunks.c.id)
        .correlate(held_chunks)
    )
    if leaving is not None:
        referring = referring.join(manifests, manifests.c.id == manifest_chunks.c.manifest_id).where(
            not_(leaving)
        )
    return and_(held_chunks.c.lease_time < before, not_(referring.exists()))


def needed_blobs(
    connection: Connection, shelf: Shelf, digests: Iterable[Digest], *, leaving_before: datetime | None = None
) -> set[Digest]:
    """Those of the blobs of a store that a row refers to.

    Args:
        leaving_before: leave out what collection would take that leaves alone whatever is newer: to tell
            beforehand what it would do.
    """
    asked: BindParameter[str] = bindparam("digests", expanding=True)
    leaving_manifest: ColumnElement[bool] = false()
    leaving_chunk: ColumnElement[bool] = false()
    if leaving_before is not None:
        leaving_manifest = or_(forgotten(leaving_before), given_up(leaving_before))
        leaving_chunk = unreferenced(leaving_before, leaving=leaving_manifest)
    if shelf is Shelf.PREDICTIONS:
        statement = select(prediction_batches.c.body_digest.label("digest")).where(
            prediction_batches.c.body_digest.in_(asked), not_(prediction_batches.c.body_dropped)
        )
        found = connection.execute(statement, {"digests": [digest.text for digest in digests]})
        return {Digest(text) for text in found.scalars()}
    chunks = select(held_chunks.c.digest).where(held_chunks.c.digest.in_(asked), not_(leaving_chunk))
    beside = [
        select(column).where(column.in_(asked), manifests.c.tier != Tier.GONE, not_(leaving_manifest))
        for column in (manifests.c.config_digest, manifests.c.chunk_map_digest)
    ]
    found = connection.execute(union(chunks, *beside), {"digests": [digest.text for digest in digests]})
    return {Digest(text) for text in found.scalars()}
