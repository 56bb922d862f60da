from __future__ import annotations

from pydantic import Field

from trainstop.protocol.capability import Capabilities
from trainstop.protocol.checkpoint import Checkpoint
from trainstop.protocol.command import Command
from trainstop.protocol.metrics import LatestMetric
from trainstop.protocol.primitives import Attempt, Count, Id, Integer, Number, Timestamp, WireModel
from trainstop.protocol.progress import Progress


class JobEnd(WireModel):
    """How a job ended. `interrupted`: nobody was there to see it end, so its exit code is not known."""

    cause: str
    exit_code: Integer | None
    signal: str | None
    message: str


class JobWarning(WireModel):
    """What a person should know before they need it."""

    code: str
    message: str


class ResumedFrom(WireModel):
    job_id: Id
    checkpoint_id: Id


class Job(WireModel):
    """A job as it travels."""

    id: Id
    owner: str | None
    name: str
    template: Id | None
    params: dict[str, str | Number | bool]
    status: str
    health: str
    held: bool = False
    """`paused` at a step, with its process and GPU."""
    attempt: Attempt
    created_at: Timestamp
    updated_at: Timestamp
    started_at: Timestamp | None
    ended_at: Timestamp | None
    progress: Progress
    latest_metrics: dict[str, LatestMetric]
    last_checkpoint: Checkpoint | None
    best_checkpoint: Checkpoint | None
    capabilities: Capabilities
    command: Command | None
    last_command: Command | None
    end: JobEnd | None
    warnings: list[JobWarning] = Field(default_factory=list)
    resumed_from: ResumedFrom | None
    resumed_as: Id | None
    status_version: Count
    generation: Count
    seq: Count
