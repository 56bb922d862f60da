from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel

from trainstop.protocol.checkpoint import Checkpoint
from trainstop.protocol.command import Command
from trainstop.protocol.job import Job
from trainstop.protocol.metrics import LatestMetric, MetricColumns
from trainstop.protocol.primitives import Count, Id, Timestamp, WireModel
from trainstop.protocol.progress import Progress


class Envelope(WireModel):
    job_id: Id
    generation: Count
    seq: Count
    at: Timestamp


class MetricsData(WireModel):
    """One batch of rows, with what they change on the job."""

    progress: Progress
    latest_metrics: dict[str, LatestMetric]
    columns: MetricColumns


class LogData(WireModel):
    """The log of `attempt` is now `size` bytes long. A signal, not kept; it has no id."""

    attempt: Count
    size: Count


class ResetData(WireModel):
    """What you hold is no longer a base to build on: forget it, a `job` event follows."""

    reason: str


class EndData(WireModel):
    """The last event of a job that is final."""

    status: str


class BookmarkData(WireModel):
    """Nothing was missed of this job up to this seq."""


class GoneData(WireModel):
    """There is no such job, for whatever reason: it never was, was removed, or is somebody else's."""

    reason: str


class JobEvent(Envelope):
    type: Literal["job"]
    data: Job


class CommandEvent(Envelope):
    type: Literal["command"]
    data: Command


class CheckpointEvent(Envelope):
    type: Literal["checkpoint"]
    data: Checkpoint


class MetricsEvent(Envelope):
    type: Literal["metrics"]
    data: MetricsData


class LogEvent(Envelope):
    type: Literal["log"]
    data: LogData


class ResetEvent(Envelope):
    type: Literal["reset"]
    data: ResetData


class EndEvent(Envelope):
    type: Literal["end"]
    data: EndData


class BookmarkEvent(Envelope):
    type: Literal["bookmark"]
    data: BookmarkData


class GoneEvent(Envelope):
    type: Literal["gone"]
    data: GoneData


class Event(
    RootModel[
        Annotated[
            JobEvent
            | CommandEvent
            | CheckpointEvent
            | MetricsEvent
            | LogEvent
            | ResetEvent
            | EndEvent
            | BookmarkEvent
            | GoneEvent,
            Field(discriminator="type"),
        ]
    ]
):
    """An event as it travels, in `data:` of a server-sent event whose `event:` repeats `type`."""
