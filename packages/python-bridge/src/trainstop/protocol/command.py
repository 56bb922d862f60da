from __future__ import annotations

from typing import Literal

from pydantic import Field

from trainstop.protocol.primitives import Attempt, Id, Timestamp, WireModel
from trainstop.protocol.receipt import Receipt

CommandAction = Literal["cancel", "pause", "resume"]
StopReason = Literal["overfitting", "wrong_config", "free_resources", "cost", "good_enough", "other"]


class Actor(WireModel):
    """Who asked. A rule that stops a job is an actor too."""

    type: str
    id: str | None
    name: str | None


class Command(WireModel):
    """A durable wish to change a job: committed before it is answered, and it always ends."""

    id: Id
    job_id: Id
    attempt: Attempt
    action: str
    mode: str | None
    hold: bool | None
    from_: str | None = Field(alias="from")
    reason: str | None
    note: str | None
    actor: Actor
    status: str
    superseded_by: Id | None
    idempotency_key: str | None
    created_at: Timestamp
    wait_until: Timestamp | None = None
    """`checkpoint` and `epoch`: until when the run goes on to that place."""
    term_at: Timestamp | None
    deadline: Timestamp | None
    ended_at: Timestamp | None
    message: str | None
    receipts: list[Receipt]
