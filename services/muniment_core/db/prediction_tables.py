"""The tables of predictions, written by the metadata service: what finds a prediction, never itself.

Predictions are kept in the bodies of their batches, outside of the database; a row here is written in the
transaction that seals the batch, after its body is durable.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

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
    # When retention gave the body up. The row and the ledger entry stay.
    Column("expire_time", UtcDateTime, nullable=True),
    # Whether the body was removed since: what a crash between the two left over is removed by the next run.
    Column("body_dropped", Boolean, nullable=False),
    Index("ix_prediction_batches_body_dropped_seal_time", "body_dropped", "seal_time"),
    Index("ix_prediction_batches_body_digest", "body_digest"),
)

# The predictions of one version and one hour in one batch. The hour keeps shares short in time, however wrong
# the clock of a sender is: predictions are listed in order of time by merging the few shares of an hour.
prediction_shares = Table(
    "prediction_shares",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column("hour", BigId, primary_key=True, autoincrement=False),
    Column("first_time", UtcDateTime, primary_key=True, autoincrement=False),
    Column(
        "revision", BigId, ForeignKey("prediction_batches.revision"), primary_key=True, autoincrement=False
    ),
    Column("last_time", UtcDateTime, nullable=False),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# The first eight bytes of sha256 of the id, as a signed integer: a row costs some 25 bytes instead of 60, and
# the few that clash are told apart when the body is read. There is no foreign key, for it would be looked up
# for every single prediction; the batch is written in the same transaction.
prediction_ids = Table(
    "prediction_ids",
    metadata,
    Column("id_hash", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigId, primary_key=True, autoincrement=False),
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
    Index("ix_prediction_senders_time", "time"),
)
