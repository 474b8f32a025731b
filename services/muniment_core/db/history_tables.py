"""Where pointers and states were before, so that what a selector meant then is a look-up and not a replay.

The stages have ``stage_moves``; these two are their like for aliases and for states of versions. Every row is
written in the transaction of the ledger entry whose revision it carries.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId, ordered_text

alias_moves = Table(
    "alias_moves",
    metadata,
    Column("model_id", BigId, ForeignKey("models.id"), primary_key=True),
    Column("name", ordered_text(128), primary_key=True),
    Column("revision", BigId, primary_key=True, autoincrement=False),
    # NULL: the alias was removed.
    Column("version_id", BigId, ForeignKey("versions.id"), nullable=True),
)

# A version is READY from its creation to its first row here.
version_state_moves = Table(
    "version_state_moves",
    metadata,
    Column("version_id", BigId, ForeignKey("versions.id"), primary_key=True),
    Column("revision", BigId, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
)
