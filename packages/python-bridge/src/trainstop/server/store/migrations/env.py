"""What Alembic runs to migrate: always within the transaction that `schema` has opened."""

from __future__ import annotations

from alembic import context

from trainstop.server.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    transactional_ddl=True,
)
context.run_migrations()
