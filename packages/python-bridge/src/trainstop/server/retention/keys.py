"""Idempotency keys are for those who ask again in doubt, not for ever."""

from __future__ import annotations

from sqlalchemy import delete, select, tuple_, update

from trainstop.rundir.clock import rfc3339
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.repeated import repeated

BATCH = 500


@repeated
def forget_keys(database: Database, now: float, older_than: float) -> bool:
    """A batch of those of before `older_than`; whether there are more."""
    keys = tables.idempotency_keys
    with database.write() as connection:
        # Those of before there was a time beside them are as old as this look.
        ageless = update(keys).where(keys.c.created_at.is_(None)).values(created_at=rfc3339(now))
        connection.execute(ageless)
        old = select(keys.c.scope, keys.c.key).where(keys.c.created_at < rfc3339(older_than)).limit(BATCH)
        found = [tuple(row) for row in connection.execute(old)]
        if found:
            connection.execute(delete(keys).where(tuple_(keys.c.scope, keys.c.key).in_(found)))
    return len(found) == BATCH
