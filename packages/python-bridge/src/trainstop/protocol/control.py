from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel

from trainstop.protocol.capability import StopMode
from trainstop.protocol.command import Command, StopReason
from trainstop.protocol.job import Job
from trainstop.protocol.primitives import ID_PATTERN, Id, Number, WireModel

Note = Annotated[str, Field(max_length=2000)]
GraceSeconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
WaitSeconds = Annotated[float, Field(ge=0, le=604_800, allow_inf_nan=False)]
ParamValue = Annotated[str, Field(max_length=1000)] | Number | bool


class CancelOptions(WireModel):
    reason: StopReason | None = None
    note: Note | None = None
    grace_seconds: GraceSeconds | None = None
    """How long the process may take before the ladder's end."""
    mode: StopMode | None = None
    wait_seconds: WaitSeconds | None = None
    """`checkpoint` and `epoch`: how long the run may go on to that place (3600 by default); then graceful."""


class PauseOptions(WireModel):
    reason: StopReason | None = None
    note: Note | None = None
    grace_seconds: GraceSeconds | None = None
    hold: bool | None = None


class ResumeOptions(WireModel):
    reason: StopReason | None = None
    note: Note | None = None
    from_: Annotated[str, Field(pattern=ID_PATTERN)] | None = Field(default=None, alias="from")
    """`last` (default), `best`, or a checkpoint's id."""


class CancelRequest(CancelOptions):
    action: Literal["cancel"]


class PauseRequest(PauseOptions):
    action: Literal["pause"]


class ResumeRequest(ResumeOptions):
    action: Literal["resume"]


class ControlRequest(
    RootModel[Annotated[CancelRequest | PauseRequest | ResumeRequest, Field(discriminator="action")]]
):
    """Body of `POST /local/{job_id}/control`."""


class ControlResult(WireModel):
    """`result` of a Trainstop server."""

    outcome: Literal["accepted", "no_op"]
    command: Command | None
    job: Job


class StartRequest(WireModel):
    """Body of `POST /jobs`."""

    template: Id
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    params: dict[Id, ParamValue] = Field(default_factory=dict)
