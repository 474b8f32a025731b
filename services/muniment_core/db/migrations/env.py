"""Alembic's entry: runs the steps on the connection that :mod:`muniment_core.db.schema` hands in."""

from __future__ import annotations

from alembic import context

from muniment_core.db.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot change a column in place: Alembic copies the table instead.
    render_as_batch=True,
    compare_server_default=True,
)

with context.begin_transaction():
    context.run_migrations()
