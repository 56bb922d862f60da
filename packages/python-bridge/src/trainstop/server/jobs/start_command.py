"""Start: a new job from a command, as someone at the machine typed it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from trainstop.protocol.primitives import WireModel
from trainstop.server.jobs.asked import Asked, new_id
from trainstop.server.jobs.change import Change, Transaction
from trainstop.server.jobs.progress import no_progress
from trainstop.server.store.records import AttemptRecord, JobRecord


class CommandRequest(WireModel):
    """Body of `POST /operator/jobs`. Not part of the protocol: it stays on one machine."""

    argv: Annotated[list[str], Field(min_length=1, max_length=100_000)]
    cwd: str
    env: dict[str, str]
    """The whole environment: nothing of the server's own is added."""
    name: Annotated[str, Field(min_length=1, max_length=200)]


def start_command(transaction: Transaction, request: CommandRequest, asked: Asked) -> Change:
    """A new job that waits for its launch. What it needs to go on later is kept with it."""
    job = JobRecord(
        id=new_id("job"),
        owner=asked.owner,
        name=request.name,
        template=None,
        params={},
        argv=request.argv,
        cwd=request.cwd,
        env={name: value for name, value in request.env.items() if not name.startswith("TRAINSTOP_")},
        created_at=transaction.at,
        updated_at=transaction.at,
        progress=no_progress(),
    )
    return Change.create(transaction, job, AttemptRecord(job_id=job.id, attempt=1, created_at=transaction.at))
