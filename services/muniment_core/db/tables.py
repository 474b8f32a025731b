"""The tables, by owner. Each table is written by one service; the ledger belongs to the core.

==============================  ==========================================================
instance, requests, ledger_*    core
tokens, projects,               metadata
models, versions, aliases, …
version_metric_summaries        metadata (:mod:`muniment_core.db.search_tables`)
held_chunks, manifests, …       artifact (:mod:`muniment_core.db.artifact_tables`)
stage_pointers, stage_moves,    promotion
promotions, deployments
prediction_*                    metadata (:mod:`muniment_core.db.prediction_tables`)
==============================  ==========================================================

Constraints do the checking; :mod:`muniment_core.db.integrity` turns their names into domain errors.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from muniment_core.db.types import BigId, UtcDateTime, ordered_text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

PREFIX = 128
"""How many characters of a text search orders by and indexes: PostgreSQL takes no long text into an index."""


def project_column() -> Column[int]:
    """The project of a row, beside what it belongs to: the indexes of search begin with it.

    A default, and no foreign key: SQLite can add only such a column to a table that has rows.
    """
    return Column("project_id", BigId, nullable=False, server_default="0")


# ── core ──────────────────────────────────────────────────────────────────────────────────────────

instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("page_token_key", LargeBinary, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("size", BigId, nullable=False),
    Column("root_hash", LargeBinary, nullable=False),
    # Hashes of the complete subtrees that make up the tree, largest first: all an append needs to read.
    Column("frontier", LargeBinary, nullable=False),
    # Why nothing may be written, because the ledger is not what was signed; empty when all is well.
    Column("alarm", Text, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("revision", BigId, primary_key=True, autoincrement=False),
    Column("type", String(64), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("actor", ordered_text(128), nullable=False),
    Column("project", ordered_text(128), nullable=False),
    Column("model", ordered_text(128), nullable=False),
    Column("stage", ordered_text(128), nullable=False),
    Column("number", BigId, nullable=False),
    Column("previous_number", BigId, nullable=False),
    Column("digest", String(71), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index("ix_ledger_entries_project_revision", "project", "revision"),
    Index("ix_ledger_entries_model_revision", "project", "model", "revision"),
    Index("ix_ledger_entries_actor_revision", "actor", "revision"),
    Index("ix_ledger_entries_time", "time"),
)

ledger_nodes = Table(
    "ledger_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", BigId, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("principal", ordered_text(128), primary_key=True),
    Column("request_id", ordered_text(128), primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("revision", BigId, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    # Grows at its end, and is read by who forgets answers for their age.
    Index("ix_requests_time", "time"),
)

# ── metadata: access ──────────────────────────────────────────────────────────────────────────────

projects = Table(
    "projects",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", ordered_text(128), nullable=False),
    Column("folded_name", ordered_text(128), nullable=False),
    Column("description", Text, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("revision", BigId, nullable=False),
    UniqueConstraint("folded_name"),
    Index("ix_projects_name", "name"),
)

project_stages = Table(
    "project_stages",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", ordered_text(128), nullable=False),
    UniqueConstraint("project_id", "name"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("principal", ordered_text(128), nullable=False),
    Column("project_id", BigId, ForeignKey("projects.id"), nullable=True),
    Column("roles", String(128), nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("expire_time", UtcDateTime, nullable=True),
    Column("revoke_time", UtcDateTime, nullable=True),
    UniqueConstraint("secret_hash"),
    Index("ix_tokens_project_id", "project_id", "id"),
)

# ── metadata: catalog ─────────────────────────────────────────────────────────────────────────────

models = Table(
    "models",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("project_id", BigId, ForeignKey("projects.id"), nullable=False),
    Column("name", ordered_text(128), nullable=False),
    Column("folded_name", ordered_text(128), nullable=False),
    Column("description", ordered_text(), nullable=False),
    Column("state", String(16), nullable=False),
    Column("latest_number", BigId, nullable=False),
    Column("creator", ordered_text(128), nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("revision", BigId, nullable=False),
    # The newest ledger entry that names the model: whatever is known of its versions holds until it moves.
    # Set by the writer alone, for every entry.
    Column("change_revision", BigId, nullable=False, server_default=text("0")),
    UniqueConstraint("project_id", "folded_name"),
    Index("ix_models_project_id_name", "project_id", "name"),
    Index("ix_models_project_id_id", "project_id", "id"),
    Index("ix_models_project_id_create_time", "project_id", "create_time", "id"),
    Index("ix_models_project_id_update_time", "project_id", "update_time", "id"),
)

model_tags = Table(
    "model_tags",
    metadata,
    Column("model_id", BigId, ForeignKey("models.id"), primary_key=True),
    Column("key", ordered_text(128), primary_key=True),
    Column("value", ordered_text(), nullable=False),
    project_column(),
    # The first characters of the value.
    Column("prefix", ordered_text(PREFIX), nullable=False, server_default=""),
    Index("ix_model_tags_project_id_key_prefix", "project_id", "key", "prefix", "model_id"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("model_id", BigId, ForeignKey("models.id"), nullable=False),
    Column("number", BigId, nullable=False),
    Column("digest", ordered_text(71), nullable=False),
    Column("state", String(16), nullable=False),
    Column("size_bytes", BigId, nullable=False),
    Column("file_count", Integer, nullable=False),
    Column("description", ordered_text(), nullable=False),
    Column("author", ordered_text(128), nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("create_revision", BigId, nullable=False),
    Column("revision", BigId, nullable=False),
    # Everything frozen from birth, as RFC 8785 canonical JSON: the bytes whose sha256 the ledger holds.
    # Params, data sets, parents and code are also kept in columns of their own, to be searched by.
    Column("record", LargeBinary, nullable=False),
    Column("code_repository", ordered_text(), nullable=False),
    Column("code_commit", ordered_text(128), nullable=False),
    Column("run_id", ordered_text(250), nullable=False),
    project_column(),
    UniqueConstraint("model_id", "number"),
    Index("ix_versions_model_id_digest", "model_id", "digest"),
    Index("ix_versions_model_id_state_number", "model_id", "state", "number"),
    Index("ix_versions_digest", "digest"),
    Index("ix_versions_code_commit", "code_commit"),
    # Search: what a filter names, then the id, so that the newest come first without sorting.
    Index("ix_versions_project_id_id", "project_id", "id"),
    Index("ix_versions_model_id_id", "model_id", "id"),
    Index("ix_versions_project_id_state", "project_id", "state", "id"),
    Index("ix_versions_project_id_author", "project_id", "author", "id"),
    Index("ix_versions_project_id_create_time", "project_id", "create_time", "id"),
    Index("ix_versions_project_id_update_time", "project_id", "update_time", "id"),
    Index("ix_versions_project_id_run_id", "project_id", "run_id", "id"),
)

version_tags = Table(
    "version_tags",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True),
    Column("key", ordered_text(128), primary_key=True),
    Column("value", ordered_text(), nullable=False),
    project_column(),
    Column("prefix", ordered_text(PREFIX), nullable=False, server_default=""),
    Index("ix_version_tags_project_id_key_prefix", "project_id", "key", "prefix", "version_id"),
)

version_params = Table(
    "version_params",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True),
    Column("key", ordered_text(250), primary_key=True),
    Column("text", ordered_text(), nullable=True),
    Column("number", Float(53), nullable=True),
    project_column(),
    Column("prefix", ordered_text(PREFIX), nullable=True),
    CheckConstraint("(text IS NULL) <> (number IS NULL)", name="one_kind"),
    Index("ix_version_params_project_id_key_number", "project_id", "key", "number", "version_id"),
    Index("ix_version_params_project_id_key_prefix", "project_id", "key", "prefix", "version_id"),
)

version_metrics = Table(
    "version_metrics",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("version_id", BigId, ForeignKey("versions.id"), nullable=False),
    Column("key", ordered_text(250), nullable=False),
    # NaN and the infinities are not ordered alike on both databases: for them `value` is NULL, and
    # `special` tells which one it is.
    Column("value", Float(53), nullable=True),
    Column("special", String(4), nullable=False),
    Column("step", BigId, nullable=False),
    Column("dataset", String(250), nullable=False),
    Column("reporter", String(128), nullable=False),
    Column("measure_time", UtcDateTime, nullable=False),
    Column("revision", BigId, nullable=False),
    Column("is_latest", Boolean, nullable=False),
    Index("ix_version_metrics_version_id_id", "version_id", "id"),
    Index("ix_version_metrics_version_id_is_latest_key", "version_id", "is_latest", "key"),
)

version_datasets = Table(
    "version_datasets",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", ordered_text(250), nullable=False),
    Column("version", ordered_text(250), nullable=False),
    Column("digest", ordered_text(71), nullable=False),
    Column("uri", Text, nullable=False),
    Column("role", String(64), nullable=False),
    project_column(),
    Index("ix_version_datasets_digest", "digest", "project_id", "version_id"),
    Index("ix_version_datasets_project_id_name", "project_id", "name", "version_id"),
    Index("ix_version_datasets_project_id_version", "project_id", "version", "version_id"),
    Index("ix_version_datasets_name", "name", "version"),
)

version_parents = Table(
    "version_parents",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("parent_id", BigId, ForeignKey("versions.id"), nullable=False),
    Column("relation", String(16), nullable=False),
    Index("ix_version_parents_parent_id", "parent_id", "version_id"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("model_id", BigId, ForeignKey("models.id"), primary_key=True),
    Column("name", ordered_text(128), primary_key=True),
    Column("version_id", BigId, ForeignKey("versions.id"), nullable=False),
    Column("actor", ordered_text(128), nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("revision", BigId, nullable=False),
    project_column(),
    Index("ix_aliases_version_id", "version_id"),
    Index("ix_aliases_project_id_name", "project_id", "name", "version_id"),
)

# ── promotion ─────────────────────────────────────────────────────────────────────────────────────

promotions = Table(
    "promotions",
    metadata,
    Column("revision", BigId, primary_key=True, autoincrement=False),
    Column("model_id", BigId, ForeignKey("models.id"), nullable=False),
    Column("version_id", BigId, ForeignKey("versions.id"), nullable=False),
    Column("stage", ordered_text(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("requester", String(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("previous_version_id", BigId, ForeignKey("versions.id"), nullable=True),
    Column("create_time", UtcDateTime, nullable=False),
    Column("update_time", UtcDateTime, nullable=False),
    Column("state_revision", BigId, nullable=False),
    Index("ix_promotions_model_id_revision", "model_id", "revision"),
)

stage_moves = Table(
    "stage_moves",
    metadata,
    Column("revision", BigId, primary_key=True, autoincrement=False),
    Column("model_id", BigId, ForeignKey("models.id"), nullable=False),
    Column("stage", ordered_text(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("version_id", BigId, ForeignKey("versions.id"), nullable=False),
    Column("previous_version_id", BigId, ForeignKey("versions.id"), nullable=True),
    # The promotions that are current now form a stack: a promotion lies on the one that was in effect
    # before it, and a rollback takes promotions off. For a promotion: the one below it. For a
    # rollback: the promotion it brought back into effect.
    Column("base_revision", BigId, ForeignKey("stage_moves.revision"), nullable=True),
    Column("actor", ordered_text(128), nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Index("ix_stage_moves_model_id_stage_revision", "model_id", "stage", "revision"),
    Index("ix_stage_moves_model_id_revision", "model_id", "revision"),
)

stage_pointers = Table(
    "stage_pointers",
    metadata,
    Column("model_id", BigId, ForeignKey("models.id"), primary_key=True),
    Column("stage", ordered_text(128), primary_key=True),
    Column("version_id", BigId, ForeignKey("versions.id"), nullable=False),
    # The last move, and the promotion in effect (another one after a rollback).
    Column("move_revision", BigId, ForeignKey("stage_moves.revision"), nullable=False),
    Column("effective_revision", BigId, ForeignKey("stage_moves.revision"), nullable=False),
    project_column(),
    Index("ix_stage_pointers_version_id", "version_id"),
    Index("ix_stage_pointers_project_id_stage", "project_id", "stage", "version_id"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id"), primary_key=True),
    Column("target", ordered_text(128), primary_key=True),
    Column("model_id", BigId, ForeignKey("models.id"), primary_key=True),
    Column("stage", ordered_text(128), primary_key=True),
    Column("number", BigId, nullable=False),
    Column("digest", String(71), nullable=False),
    Column("state", String(16), nullable=False),
    Column("acted_revision", BigId, nullable=False),
    Column("message", Text, nullable=False),
    Column("reporter", String(128), nullable=False),
    Column("report_time", UtcDateTime, nullable=False),
    Column("revision", BigId, nullable=False),
)
