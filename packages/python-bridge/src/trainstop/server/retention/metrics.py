"""Long curves get fewer points.

The rows of a job lie in the batches in which they came. When there are too many, batches beside each other
are joined into stretches of about STRETCH_ROWS, and the densest stretches (most rows for each seq) are halved
until few enough are left: for every metric a halved stretch keeps its first and last row and the least and
the greatest of each piece (`jobs/thinning.py`). So what is old and what is new come to about the same
density, however long a run goes on. Rows whose event is still there are left alone,
since whoever reads it gets what all others got; where they alone are too many, the rest keeps half the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from trainstop.server.jobs.metric_columns import joined, rows_in
from trainstop.server.jobs.thinning import thinned
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.repeated import repeated

STRETCH_ROWS = 1000
ENOUGH = 0.9
"""Of the limit: thinning goes a bit below it, so that not every row more starts it again."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    after: int
    last: int
    """Its batches' seqs are greater than `after`, up to and with `last`."""
    rows: int

    @property
    def density(self) -> float:
        return self.rows / max(1, self.last - self.after)


def thin_metrics(database: Database, job_id: str, limit: int) -> int:
    """Rows taken away; each stretch in a transaction of its own."""
    all_gone = 0
    while True:
        total, stretches = _stretches(database, job_id)
        old, gone = sum(stretch.rows for stretch in stretches), 0
        enough = max(limit * ENOUGH - (total - old), limit / 2)
        densest = max((stretch.density for stretch in stretches), default=0.0)
        for stretch in sorted(stretches, key=lambda each: each.density, reverse=True):
            if old - gone <= enough:
                return all_gone + gone
            if stretch.density <= densest / 2:
                break  # those before it are no less dense now, so all are compared anew
            gone += _halve(database, job_id, stretch)
        all_gone += gone
        if not gone:
            return all_gone


@repeated
def _stretches(database: Database, job_id: str) -> tuple[int, list[_Stretch]]:
    jobs, metrics = tables.jobs, tables.metrics
    with database.read() as connection:
        known = select(jobs.c.metric_rows, jobs.c.events_from).where(jobs.c.id == job_id)
        job = connection.execute(known).first()
        if job is None:
            return 0, []
        query = (
            select(metrics.c.seq, metrics.c.rows)
            .where(metrics.c.job_id == job_id, metrics.c.seq <= job.events_from)
            .order_by(metrics.c.seq)
        )
        stretches, after, rows = [], 0, 0
        for seq, count in connection.execute(query):
            rows += count
            if rows >= STRETCH_ROWS:
                stretches.append(_Stretch(after, seq, rows))
                after, rows = seq, 0
        return job.metric_rows, stretches


@repeated
def _halve(database: Database, job_id: str, stretch: _Stretch) -> int:
    jobs, metrics = tables.jobs, tables.metrics
    with database.write() as connection:
        known = select(jobs.c.metric_rows).where(jobs.c.id == job_id).with_for_update()
        total = connection.execute(known).scalar()
        if total is None:
            return 0
        these = (metrics.c.job_id == job_id, metrics.c.seq > stretch.after, metrics.c.seq <= stretch.last)
        batches = connection.execute(select(metrics.c["columns"]).where(*these).order_by(metrics.c.seq))
        columns = joined(batches.scalars())
        fewer = thinned(columns, rows_in(columns) // 2)
        connection.execute(delete(metrics).where(*these))
        row = {"job_id": job_id, "seq": stretch.last, "rows": rows_in(fewer), "columns": fewer}
        connection.execute(insert(metrics).values(row))
        gone = stretch.rows - rows_in(fewer)
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(metric_rows=total - gone))
    return gone
