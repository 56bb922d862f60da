"""Which checkpoint is the best, by the metric that the run or its template names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from trainstop.checkpoints.best import best_of
from trainstop.server.jobs.change import Change
from trainstop.server.store import tables


def read_best_metric(value: Any) -> dict[str, str] | None:
    """`{metric, mode}` as a run says it; None for what makes no sense, which is no reason to fail."""
    if not isinstance(value, dict):
        return None
    metric, mode = value.get("metric"), value.get("mode")
    if not isinstance(metric, str) or not metric or mode not in ("min", "max"):
        return None
    return {"metric": metric, "mode": mode}


def choose_good_ones(change: Change) -> None:
    """Say anew which checkpoint is the last and which the best of those that verified and are still there."""
    table = tables.checkpoints
    query = (
        select(table.c.id, table.c.metrics)
        .where(table.c.job_id == change.job.id, table.c.verified, table.c.removed_at.is_(None))
        .order_by(func.coalesce(table.c.step, 0).desc(), table.c.saved_at.desc())
    )
    newest_first = [(row.id, row.metrics) for row in change.connection.execute(query)]
    job, wanted = change.job, change.job.best_metric
    last = newest_first[0][0] if newest_first else None
    best = None if wanted is None else best_of(newest_first, wanted["metric"], wanted["mode"])
    if (last, best) != (job.last_checkpoint_id, job.best_checkpoint_id):
        job.last_checkpoint_id, job.best_checkpoint_id = last, best
        change.dirty()
