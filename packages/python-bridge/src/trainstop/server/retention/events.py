"""Old events go; who reads on from one of them is told to begin anew."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.repeated import repeated

BATCH = 500


@repeated
def trim_events(database: Database, job_id: str, up_to: int) -> bool:
    """Remove a batch of the events up to a seq; whether there are more. From the first batch on, none of them
    is there for readers any more."""
    jobs, events = tables.jobs, tables.events
    with database.write() as connection:
        known = select(jobs.c.seq, jobs.c.events_from).where(jobs.c.id == job_id).with_for_update()
        job = connection.execute(known).first()
        if job is None:
            return False
        up_to = min(up_to, job.seq)
        if up_to > job.events_from:
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(events_from=up_to))
        old = (events.c.job_id == job_id, events.c.seq <= max(up_to, job.events_from))
        batch = select(events.c.seq).where(*old).order_by(events.c.seq).limit(BATCH)
        seqs = connection.execute(batch).scalars().all()
        if seqs:
            connection.execute(delete(events).where(events.c.job_id == job_id, events.c.seq <= seqs[-1]))
    return len(seqs) == BATCH
