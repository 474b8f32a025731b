"""The tables of predictions, written by the metadata service: what finds a prediction, never the prediction itself.

Predictions are kept in the bodies of their batches, outside of the database; a row here is written in the
transaction that seals the batch, after its body is durable.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId, UtcDateTime, ordered_text

prediction_batches = Table(
    "prediction_batches",
    metadata,
    Column("revision", BigId, primary_key=True, autoincrement=False),
    Column("project_id", BigId, ForeignKey("projects.id"), nullable=False),
    Column("count", Integer, nullable=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("body_digest", String(71), nullable=False),
    Column("body_bytes", BigId, nullable=False),
    Column("first_time", UtcDateTime, nullable=False),
    Column("last_time", UtcDateTime, nullable=False),
    Column("seal_time", UtcDateTime, nullable=False),
    # When retention dropped the body. The row and the ledger entry stay.
    Column("expire_time", UtcDateTime, nullable=True),
    Index("ix_prediction_batches_seal_time", "seal_time"),
)

prediction_batch_versions = Table(
    "prediction_batch_versions",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column(
        "revision", BigId, ForeignKey("prediction_batches.revision"), primary_key=True, autoincrement=False
    ),
    Column("count", Integer, nullable=False),
    Column("first_time", UtcDateTime, nullable=False),
    Column("last_time", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

# The first eight bytes of sha256 of the id, as a signed integer: a row costs some 25 bytes instead of 60, and
# the few that clash are told apart when the body is read.
prediction_ids = Table(
    "prediction_ids",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id"), primary_key=True, autoincrement=False),
    Column("id_hash", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "revision", BigId, ForeignKey("prediction_batches.revision"), primary_key=True, autoincrement=False
    ),
    sqlite_with_rowid=False,
)

# How far each sender's messages are sealed: what makes repeating them harmless.
prediction_senders = Table(
    "prediction_senders",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id"), primary_key=True, autoincrement=False),
    Column("principal", ordered_text(128), primary_key=True),
    Column("sender", ordered_text(128), primary_key=True),
    Column("sequence", BigId, nullable=False),
    Column("revision", BigId, nullable=False),
    Column("time", UtcDateTime, nullable=False),
)
