"""Idempotency keys are for those who ask again in doubt, not for ever."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select, tuple_, update

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
        ageless = _batch(connection, keys.c.created_at.is_(None))
        if ageless:
            these = tuple_(keys.c.scope, keys.c.key).in_(ageless)
            connection.execute(update(keys).where(these).values(created_at=rfc3339(now)))
        old = _batch(connection, keys.c.created_at < rfc3339(older_than))
        if old:
            connection.execute(delete(keys).where(tuple_(keys.c.scope, keys.c.key).in_(old)))
    return BATCH in (len(ageless), len(old))


def _batch(connection: Connection, which: ColumnElement[bool]) -> list[tuple[str, str]]:
    keys = tables.idempotency_keys
    rows = connection.execute(select(keys.c.scope, keys.c.key).where(which).limit(BATCH))
    return [(row.scope, row.key) for row in rows]
