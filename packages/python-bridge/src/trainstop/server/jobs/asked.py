"""Who asks for something, and what makes a command of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from trainstop.protocol.control import CancelOptions, PauseOptions, ResumeOptions
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.receipts import put_receipt
from trainstop.server.store.records import CommandRecord

Options = CancelOptions | PauseOptions | ResumeOptions


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as far as the rules care."""

    actor: dict[str, Any]
    """`{type, id, name}`"""
    owner: str | None
    """Only this owner's jobs exist for the asker; None: all do."""
    idempotency_key: str | None
    at: str
    """When the request arrived."""
    status_versions: frozenset[int] | None = None
    """Pause and resume only while the job's `status_version` is one of these; None: whatever it is."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request came to."""

    outcome: Literal["accepted", "no_op"]
    command: CommandRecord | None
    job_id: str
    """The job to answer with."""


def new_id(kind: Literal["job", "cmd"]) -> str:
    return f"{kind}_{secrets.token_hex(8)}"


def new_command(
    change: Change, asked: Asked, action: Literal["cancel", "pause", "resume"], options: Options
) -> CommandRecord:
    """A command with its first two receipts: the request's arrival, and this transaction."""
    command = CommandRecord(
        id=new_id("cmd"),
        job_id=change.job.id,
        attempt=change.job.attempt,
        action=action,
        reason=options.reason,
        note=options.note,
        actor=asked.actor,
        idempotency_key=asked.idempotency_key,
        created_at=change.at,
    )
    put_receipt(command, "requested", "done", asked.at, by="server")
    put_receipt(command, "accepted", "done", change.at, by="server")
    return command
