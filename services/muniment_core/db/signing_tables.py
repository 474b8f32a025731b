"""The tables of the ledger's signatures; they belong to the core.

What is in them can be told from the ledger itself (keys, recoveries) or proves itself (checkpoints): they are
here so that it is found at once.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table, Text

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId, UtcDateTime

# Keys of the log, each by the entry that made it known; the newest one signs.
ledger_keys = Table(
    "ledger_keys",
    metadata,
    Column("revision", BigId, primary_key=True, autoincrement=False),
    # Name of the log and of all its keys.
    Column("origin", String(250), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("create_time", UtcDateTime, nullable=False),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", BigId, primary_key=True, autoincrement=False),
    Column("root_hash", LargeBinary, nullable=False),
    # The signed note, byte for byte.
    Column("note", LargeBinary, nullable=False),
    Column("key_revision", BigId, ForeignKey("ledger_keys.revision"), nullable=False),
    Column("time", UtcDateTime, nullable=False),
)

# When the operator went on with a ledger that is not the one that was signed.
ledger_recoveries = Table(
    "ledger_recoveries",
    metadata,
    Column("revision", BigId, primary_key=True, autoincrement=False),
    # How many entries of what was signed are still there.
    Column("kept_size", BigId, nullable=False),
    # The head that was given up.
    Column("anchor_size", BigId, nullable=False),
    Column("anchor_root", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
)
