"""A job goes with everything of it, when nothing refers to it any more."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import delete, insert, select

from trainstop.server.jobs.change import Change
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.states import FINAL, State
from trainstop.server.retention.events import trim_events
from trainstop.server.retention.job_files import remove
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.records import JobRecord
from trainstop.server.store.repeated import repeated

log = logging.getLogger("trainstop.server.retention")

BATCH = 200
_OF_A_JOB = (tables.events, tables.metrics, tables.idempotency_keys, tables.checkpoints, tables.attempts)


def remove_job(database: Database, jobs: Jobs, data_dir: Path, job_id: str) -> bool:
    """False while a later job began from one of its checkpoints. First the rows go, leaving a note about the
    files; then the files, then the note: whatever is killed in between is done by `finish_removals`."""
    if not jobs.look_at(job_id, _may_go):
        return False
    while trim_events(database, job_id, 2**62):
        pass
    while _remove_metrics(database, job_id):
        pass
    parent = jobs.look_at(job_id, lambda change: (change.job.resumed_from or {}).get("job_id"))
    if parent is not None and _exists(database, parent):
        jobs.tidy(parent, lambda change: _forget_child(change, job_id))
    if not _remove_rows(database, job_id):
        return False
    _finish_removal(database, data_dir, job_id)
    return True


@repeated
def _removals(database: Database, after: str) -> list[str]:
    table = tables.removals
    query = select(table.c.job_id).where(table.c.job_id > after).order_by(table.c.job_id).limit(BATCH)
    with database.read() as connection:
        return list(connection.execute(query).scalars())


def finish_removals(database: Database, data_dir: Path) -> None:
    """The files of all jobs that are no more. What can't be removed now is tried again with the next call."""
    after = ""
    while noted := _removals(database, after):
        for job_id in noted:
            try:
                _finish_removal(database, data_dir, job_id)
            except OSError as error:
                log.error("job %s: its files can't be removed: %s", job_id, error, extra={"job_id": job_id})
        after = noted[-1]


def _finish_removal(database: Database, data_dir: Path, job_id: str) -> None:
    """A job of another server's has no files here; its note stays for that one."""
    if remove(data_dir, "jobs", job_id) or not database.shared:
        _forget_removal(database, job_id)


@repeated
def _forget_removal(database: Database, job_id: str) -> None:
    with database.write() as connection:
        connection.execute(delete(tables.removals).where(tables.removals.c.job_id == job_id))


def _may_go(change: Change) -> bool:
    jobs, commands = tables.jobs, tables.commands
    later = select(commands.c.resumed_as).where(
        commands.c.job_id == change.job.id, commands.c.resumed_as.is_not(None)
    )
    query = select(jobs.c.id).where(jobs.c.id.in_(later)).limit(1)
    return State(change.job.status) in FINAL and change.connection.execute(query).first() is None


def _forget_child(change: Change, job_id: str) -> None:
    if change.job.resumed_as == job_id:
        change.job.resumed_as = None
        change.dirty()


@repeated
def _exists(database: Database, job_id: str) -> bool:
    with database.read() as connection:
        return JobRecord.find(connection, id=job_id) is not None


@repeated
def _remove_metrics(database: Database, job_id: str) -> bool:
    metrics = tables.metrics
    with database.write() as connection:
        batch = select(metrics.c.seq).where(metrics.c.job_id == job_id).order_by(metrics.c.seq).limit(BATCH)
        seqs = connection.execute(batch).scalars().all()
        if seqs:
            connection.execute(delete(metrics).where(metrics.c.job_id == job_id, metrics.c.seq <= seqs[-1]))
    return len(seqs) == BATCH


@repeated
def _remove_rows(database: Database, job_id: str) -> bool:
    jobs, commands = tables.jobs, tables.commands
    with database.write() as connection:
        job = JobRecord.find(connection, lock=True, id=job_id)
        later = select(commands.c.resumed_as).where(commands.c.job_id == job_id)
        if job is None or connection.execute(select(jobs.c.id).where(jobs.c.id.in_(later))).first():
            return False
        connection.execute(insert(tables.removals).values(job_id=job_id))
        for table in (*_OF_A_JOB, commands):
            connection.execute(delete(table).where(table.c.job_id == job_id))
        connection.execute(delete(jobs).where(jobs.c.id == job_id))
    return True
