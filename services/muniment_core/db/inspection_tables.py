"""What was found out about the bytes of files. Nothing here is told by the ledger: it can be found out again.

Rows of other rules than today's are of no use, and collection forgets them after some time.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table

from muniment_core.db.tables import metadata
from muniment_core.db.types import BigId, UtcDateTime

# By project, although it follows from the bytes alone: how fast an answer comes would otherwise tell whether some
# other project has them.
file_inspections = Table(
    "file_inspections",
    metadata,
    Column("project_id", BigId, ForeignKey("projects.id"), primary_key=True),
    Column("digest", String(71), primary_key=True),
    Column("ruleset", String(128), primary_key=True),
    Column("format", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("inspect_time", UtcDateTime, nullable=False),
)
