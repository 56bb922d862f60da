from __future__ import annotations

from trainstop.protocol.checkpoint import Checkpoint
from trainstop.protocol.command import Command, CommandAction
from trainstop.protocol.control import ControlResult, ParamValue
from trainstop.protocol.job import Job
from trainstop.protocol.metrics import MetricColumns
from trainstop.protocol.primitives import Count, Id, Integer, Number, WireModel, Yes


class Success(WireModel):
    success: Yes


class JobAnswer(Success):
    job: Job


class JobsAnswer(Success):
    """Newest first. `next_cursor` goes back in as `?cursor=`; None at the end."""

    jobs: list[Job]
    next_cursor: str | None


class ControlAnswer(Success):
    action: CommandAction
    job_id: Id
    result: ControlResult


class CommandAnswer(Success):
    command: Command


class CommandsAnswer(Success):
    commands: list[Command]


class CheckpointsAnswer(Success):
    checkpoints: list[Checkpoint]


class MetricsAnswer(Success):
    """All rows up to `seq`: the event stream from there on adds the rest."""

    generation: Count
    seq: Count
    columns: MetricColumns


class LogsAnswer(Success):
    """A piece of the log of one attempt. Fetch on from `next_offset`."""

    attempt: Count
    offset: Count
    next_offset: Count
    size: Count
    text: str


class TemplateParam(WireModel):
    """One parameter of a template, enough to draw a form field."""

    name: Id
    type: str
    title: str
    default: ParamValue | None
    minimum: Number | None
    maximum: Number | None
    choices: list[str] | None


class Template(WireModel):
    """Something the operator allows to be started."""

    id: Id
    title: str
    description: str | None
    params: list[TemplateParam]


class ServerName(WireModel):
    name: str
    version: str


class CapabilitiesAnswer(Success):
    """What this server can do."""

    protocol: Integer
    server: ServerName
    templates: list[Template]


class HealthAnswer(Success):
    """`ready`: the store answers, the data directory can be written, and every job is looked after."""

    live: bool
    ready: bool
    version: str
    not_ready: list[str] | None = None
    """Words: `starting`, `leaving`, `store`, `data_directory`. Left out when ready."""
