from __future__ import annotations

from trainstop.protocol.metrics import MetricValue
from trainstop.protocol.primitives import Count, Id, NonNegative, Seconds, Timestamp, WireModel


class Checkpoint(WireModel):
    """A saved state of the run, listed once its manifest is on disk."""

    id: Id
    job_id: Id
    attempt: Count
    step: Count | None
    epoch: NonNegative | None
    path: str
    bytes: Count
    files: Count
    saved_at: Timestamp
    removed_at: Timestamp | None
    """When retention removed it from the disk. Only events tell of such a one; lists leave it out."""
    save_seconds: Seconds
    reason: str
    verified: bool
    problem: str | None
    metrics: dict[str, MetricValue]
