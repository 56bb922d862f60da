"""Rows as they travel: job, command, checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, select

from trainstop.server.jobs.capabilities import capabilities
from trainstop.server.store import tables
from trainstop.server.store.records import CheckpointRecord, CommandRecord, JobRecord

_JOB_FIELDS = (
    *("id", "owner", "name", "template", "params", "status", "health", "attempt"),
    *("created_at", "updated_at", "started_at", "ended_at", "progress", "latest_metrics"),
    *("end", "resumed_from", "resumed_as", "status_version", "seq"),
)
_HIDDEN_COMMAND_FIELDS = ("resumed_as",)


def wire_command(command: CommandRecord) -> dict[str, Any]:
    return {name: value for name, value in command.values().items() if name not in _HIDDEN_COMMAND_FIELDS}


def wire_checkpoint(checkpoint: CheckpointRecord) -> dict[str, Any]:
    return checkpoint.values()


def wire_jobs(connection: Connection, jobs: Sequence[JobRecord], generation: int) -> list[dict[str, Any]]:
    """Each job with its commands and checkpoint, as saved: two queries, however many jobs."""
    commands = _commands(connection, jobs)
    checkpoints = _last_checkpoints(connection, jobs)
    return [_wire_job(job, commands, checkpoints.get(job.id), generation) for job in jobs]


def wire_job(connection: Connection, job: JobRecord, generation: int) -> dict[str, Any]:
    return wire_jobs(connection, [job], generation)[0]


def _wire_job(
    job: JobRecord,
    commands: dict[str, CommandRecord],
    last_checkpoint: CheckpointRecord | None,
    generation: int,
) -> dict[str, Any]:
    command = commands.get(job.command_id or "")
    last_command = commands.get(job.last_command_id or "")
    return {
        **{name: getattr(job, name) for name in _JOB_FIELDS},
        "last_checkpoint": None if last_checkpoint is None else wire_checkpoint(last_checkpoint),
        "best_checkpoint": None,
        "capabilities": capabilities(job, command),
        "command": None if command is None else wire_command(command),
        "last_command": None if last_command is None else wire_command(last_command),
        "generation": generation,
    }


def _commands(connection: Connection, jobs: Sequence[JobRecord]) -> dict[str, CommandRecord]:
    ids = {id_ for job in jobs for id_ in (job.command_id, job.last_command_id) if id_ is not None}
    if not ids:
        return {}
    rows = connection.execute(select(tables.commands).where(tables.commands.c.id.in_(ids)))
    return {row.id: CommandRecord.from_row(row) for row in rows}


def _last_checkpoints(connection: Connection, jobs: Sequence[JobRecord]) -> dict[str, CheckpointRecord]:
    ids = [job.id for job in jobs if job.last_checkpoint_id is not None]
    if not ids:
        return {}
    last = and_(
        tables.jobs.c.id == tables.checkpoints.c.job_id,
        tables.jobs.c.last_checkpoint_id == tables.checkpoints.c.id,
    )
    query = select(tables.checkpoints).join(tables.jobs, last).where(tables.jobs.c.id.in_(ids))
    return {row.job_id: CheckpointRecord.from_row(row) for row in connection.execute(query)}
