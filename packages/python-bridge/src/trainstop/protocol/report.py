from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from trainstop.protocol.answer import Success
from trainstop.protocol.capability import StopMode
from trainstop.protocol.primitives import Attempt, Count, Id, Timestamp, WireModel

ReportedType = Literal[
    "attached",
    "progress",
    "metrics",
    "acknowledged",
    "saving",
    "checkpoint",
    "checkpoint_failed",
    "checkpoint_removed",
    "left",
    "dropped",
]


class ReportedFact(WireModel):
    """What a run says about itself, with the fields of the rank journal."""

    model_config = ConfigDict(extra="allow")

    type: ReportedType


class ReportRequest(WireModel):
    """Body of `POST /jobs/{job_id}/report`."""

    attempt: Attempt
    rank: Annotated[int, Field(ge=0, le=999_999)]
    offset: Count
    """How many facts this rank reported before these."""
    facts: Annotated[list[ReportedFact], Field(max_length=1000)]


class ControlCommand(WireModel):
    """What is asked of the run now."""

    id: Id
    action: Literal["cancel", "pause"]
    mode: StopMode
    created_at: Timestamp
    term_at: Timestamp | None
    deadline: Timestamp


class ReportAnswer(Success):
    next_offset: Count
    """Where to go on. Facts beyond a gap are not taken."""
    command: ControlCommand | None
