"""The tables of the artifact service: what each project holds, never what the blob store contains.

A row here is the only thing that makes bytes part of a project. Blobs without a row are orphans, allowed and
collected later; a row without its blob would be a dangling reference, so rows are written after the blob is
durable. Two projects that hold the same bytes have a row each and share one blob.

``lease_time`` is when somebody last counted on a row that no version needs yet. Collection takes what nothing
refers to once that is longer ago than its grace period.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId, UtcDateTime

_DIGEST = String(71)

held_chunks = Table(
    "held_chunks",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("project_id", BigId, ForeignKey("projects.id"), nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("size", BigId, nullable=False),
    Column("add_time", UtcDateTime, nullable=False),
    # Set when the blob was found gone or wrong; the chunk counts as not held until somebody sends it again.
    Column("damage_time", UtcDateTime),
    Column("lease_time", UtcDateTime, nullable=False, server_default="0"),
    UniqueConstraint("project_id", "digest"),
    # Whether any project still holds a blob is asked by digest alone.
    Index("ix_held_chunks_digest", "digest"),
)
# Nearly always empty, so that asking whether a manifest is damaged costs nothing, however large it is.
_DAMAGED = held_chunks.c.damage_time.is_not(None)
Index("ix_held_chunks_damaged", held_chunks.c.project_id, sqlite_where=_DAMAGED, postgresql_where=_DAMAGED)

# Files of several chunks whose whole-file digest was proven by reading them. The same chunks in the same
# order are the same bytes for ever, so one proof serves every later manifest of the project, until collection
# forgets it for its age.
verified_files = Table(
    "verified_files",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id"), primary_key=True),
    Column("digest", _DIGEST, primary_key=True),
    Column("chunks_digest", _DIGEST, primary_key=True),
    Column("add_time", UtcDateTime, nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("project_id", BigId, ForeignKey("projects.id"), nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("config_digest", _DIGEST, nullable=False),
    Column("chunk_map_digest", _DIGEST, nullable=False),
    Column("chunk_map_size", BigId, nullable=False),
    Column("size_bytes", BigId, nullable=False),
    Column("file_count", Integer, nullable=False),
    Column("add_time", UtcDateTime, nullable=False),
    # HOT; COLD: its chunks are `cold_chunks`; GONE: they were given up.
    Column("tier", String(8), nullable=False, server_default="HOT"),
    Column("lease_time", UtcDateTime, nullable=False, server_default="0"),
    UniqueConstraint("project_id", "digest"),
    # Whether any manifest still needs such a blob is asked by digest alone.
    Index("ix_manifests_config_digest", "config_digest"),
    Index("ix_manifests_chunk_map_digest", "chunk_map_digest"),
)

manifest_chunks = Table(
    "manifest_chunks",
    metadata,
    Column("manifest_id", BigId, ForeignKey("manifests.id"), primary_key=True),
    Column("chunk_id", BigId, ForeignKey("held_chunks.id"), primary_key=True),
    Index("ix_manifest_chunks_chunk_id", "chunk_id"),
)

# What the cold tier keeps for the manifests that are COLD. There is no dedup of rows, for nobody plans by them:
# manifests that share a blob have a row each.
cold_chunks = Table(
    "cold_chunks",
    metadata,
    Column("manifest_id", BigId, ForeignKey("manifests.id"), primary_key=True),
    Column("digest", _DIGEST, primary_key=True),
    Column("size", BigId, nullable=False),
    # Whether any manifest still needs a blob of the cold tier is asked by digest alone.
    Index("ix_cold_chunks_digest", "digest"),
)

# Blobs that collection is about to remove from one of the stores; nearly always empty. See `domain.tiers.Fate`.
condemned_blobs = Table(
    "condemned_blobs",
    metadata,
    Column("shelf", String(16), primary_key=True),
    Column("digest", _DIGEST, primary_key=True),
    Column("size", BigId, nullable=False),
    Column("fate", String(16), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Index("ix_condemned_blobs_fate", "fate"),
)

# How often blobs were removed: whoever stored a blob and finds the same number afterwards knows that it is there.
collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigId, nullable=False),
)
