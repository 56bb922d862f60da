"""`[retention]`"""

from __future__ import annotations

from pydantic import Field

from trainstop.server.configuration.section import Section
from trainstop.server.jobs.supervision_view import LOG_LIMIT_BYTES

DAY_SECONDS = 86_400.0
GIB = 1024**3


class RetentionSection(Section):
    """What is kept. Of a run that is not over nothing goes but old events and points of its curves."""

    events: int = Field(
        default=10_000,
        ge=100,
        description="Newest events kept of each job. Who reads on from an older one gets `reset`.",
    )
    events_days: float = Field(
        default=7, ge=0, description="After this long, a job that is over keeps no event; its state stays."
    )
    metric_rows: int = Field(
        default=200_000,
        ge=1000,
        description="Rows of metrics kept of each job; beyond that its curves get fewer points and keep "
        "their shape.",
    )
    log_bytes_per_attempt: int = Field(
        default=LOG_LIMIT_BYTES,
        ge=0,
        description="The newest bytes of each attempt's output that are kept on disk. 0: all of them.",
    )
    logs_days: float = Field(
        default=30, ge=0, description="How long logs and run directories of jobs that are over are kept."
    )
    logs_bytes: int = Field(
        default=10 * GIB,
        ge=0,
        description="All of them together; beyond that the oldest go first.",
    )
    checkpoints_days: float = Field(
        default=14,
        ge=0,
        description="How long checkpoints of jobs that are over are kept beside the last, the best and those "
        "that something was resumed from.",
    )
    jobs_days: float = Field(
        default=180,
        ge=0,
        description="How long a job that is over is kept at all; then its checkpoints go too, unless a later "
        "job began from one. 0: for ever.",
    )
    keys_days: float = Field(default=7, ge=0, description="How long an Idempotency-Key is remembered.")
    min_free_bytes: int = Field(
        default=GIB,
        ge=0,
        description="With less left on the data directory's disk, logs and superfluous checkpoints go "
        "whatever their age, and new runs wait. 0: never.",
    )
