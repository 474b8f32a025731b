"""What needs which bytes, as conditions of SQL: the one place that says when something may go.

A version needs its manifest; if it is READY the chunks as well, and if it is archived the chunks in the cold tier,
or none where they are dropped. A manifest needs its chunks, its config and its chunk map; a row needs its blob.
What no version needs is kept for as long as its lease is fresh: somebody may be about to register it.
"""

from __future__ import annotations

from collections.abc import Iterable

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

from muniment_core.db.artifact_tables import cold_chunks, held_chunks, manifest_chunks, manifests
from muniment_core.db.prediction_tables import prediction_batches
from muniment_core.db.tables import versions
from muniment_core.domain.catalog import VersionState
from muniment_core.domain.tiers import Policy, Shelf, Tier

_OF_MANIFEST = and_(versions.c.project_id == manifests.c.project_id, versions.c.digest == manifests.c.digest)


def _some_version(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(versions.c.id).where(_OF_MANIFEST, *conditions).correlate(manifests).exists()


REGISTERED = _some_version()
"""Whether a manifest is, or was, that of a version."""
READY = _some_version(versions.c.state == VersionState.READY)
"""Whether a version needs a manifest's chunks at hand."""
ARCHIVED = _some_version(versions.c.state == VersionState.ARCHIVED)
"""Whether a version needs a manifest's chunks, and not at hand."""


def _settled(policy: Policy) -> ColumnElement[bool]:
    """Whether nobody has had to do with a manifest, or with a version of it, for the grace period."""
    return and_(
        manifests.c.lease_time < policy.before, not_(_some_version(versions.c.update_time >= policy.before))
    )


def forgotten(policy: Policy) -> ColumnElement[bool]:
    """Manifests that never became a version, and will not."""
    return and_(manifests.c.lease_time < policy.before, not_(REGISTERED))


def given_up(policy: Policy) -> ColumnElement[bool]:
    """Manifests whose versions all gave their bytes up some time ago."""
    wanted = READY if policy.drop_archived else or_(READY, ARCHIVED)
    return and_(manifests.c.tier != Tier.GONE, REGISTERED, not_(wanted), _settled(policy))


def cooling(policy: Policy) -> ColumnElement[bool]:
    """Manifests whose chunks belong into the cold tier, and are at hand."""
    if policy.drop_archived:
        return false()
    return and_(manifests.c.tier == Tier.HOT, ARCHIVED, not_(READY), _settled(policy))


def unreferenced(policy: Policy, *, beforehand: bool = False) -> ColumnElement[bool]:
    """Chunks no manifest is made of and nobody counts on.

    Args:
        beforehand: as if the manifests that are leaving had left.
    """
    referring = (
        select(manifest_chunks.c.chunk_id)
        .where(manifest_chunks.c.chunk_id == held_chunks.c.id)
        .correlate(held_chunks)
    )
    if beforehand:
        leaving = or_(forgotten(policy), given_up(policy), cooling(policy))
        referring = referring.join(manifests, manifests.c.id == manifest_chunks.c.manifest_id).where(
            not_(leaving)
        )
    return and_(held_chunks.c.lease_time < policy.before, not_(referring.exists()))


def needed_blobs(
    connection: Connection, shelf: Shelf, digests: Iterable[Digest], *, leaving: Policy | None = None
) -> set[Digest]:
    """Those of the blobs of a store that a row refers to.

    Args:
        leaving: leave out what collection would take under this policy: to tell beforehand what it would do.
    """
    asked: BindParameter[str] = bindparam("digests", expanding=True)
    leaving_manifest = or_(forgotten(leaving), given_up(leaving)) if leaving else false()
    if shelf is Shelf.PREDICTIONS:
        referring = [
            select(prediction_batches.c.body_digest.label("digest")).where(
                prediction_batches.c.body_digest.in_(asked), not_(prediction_batches.c.body_dropped)
            )
        ]
    elif shelf is Shelf.COLD:
        referring = [
            select(cold_chunks.c.digest)
            .join(manifests, manifests.c.id == cold_chunks.c.manifest_id)
            .where(cold_chunks.c.digest.in_(asked), not_(leaving_manifest))
        ]
    else:
        leaving_chunk = unreferenced(leaving, beforehand=True) if leaving else false()
        chunks = select(held_chunks.c.digest).where(held_chunks.c.digest.in_(asked), not_(leaving_chunk))
        # Small, and what says of which chunks an archived version is made.
        beside = [
            select(column).where(column.in_(asked), manifests.c.tier != Tier.GONE, not_(leaving_manifest))
            for column in (manifests.c.config_digest, manifests.c.chunk_map_digest)
        ]
        referring = [chunks, *beside]
    found = connection.execute(union(*referring), {"digests": [digest.text for digest in digests]})
    return {Digest(text) for text in found.scalars()}
