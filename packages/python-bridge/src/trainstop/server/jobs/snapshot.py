"""Rows as they travel: job, command, checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from trainstop.server.jobs.capabilities import capabilities
from trainstop.server.jobs.warnings import warnings
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
    checkpoints = _named_checkpoints(connection, jobs)
    return [_wire_job(job, commands, checkpoints, generation) for job in jobs]


def wire_job(connection: Connection, job: JobRecord, generation: int) -> dict[str, Any]:
    return wire_jobs(connection, [job], generation)[0]


def _wire_job(
    job: JobRecord,
    commands: dict[str, CommandRecord],
    checkpoints: dict[tuple[str, str | None], CheckpointRecord],
    generation: int,
) -> dict[str, Any]:
    command = commands.get(job.command_id or "")
    last_command = commands.get(job.last_command_id or "")
    last_checkpoint = checkpoints.get((job.id, job.last_checkpoint_id))
    best_checkpoint = checkpoints.get((job.id, job.best_checkpoint_id))
    return {
        **{name: getattr(job, name) for name in _JOB_FIELDS},
        "last_checkpoint": None if last_checkpoint is None else wire_checkpoint(last_checkpoint),
        "best_checkpoint": None if best_checkpoint is None else wire_checkpoint(best_checkpoint),
        "held": job.held_by is not None,
        "warnings": warnings(job, command),
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


def _named_checkpoints(
    connection: Connection, jobs: Sequence[JobRecord]
) -> dict[tuple[str, str | None], CheckpointRecord]:
    """The last and the best checkpoint of each."""
    ids = [job.id for job in jobs if job.last_checkpoint_id is not None or job.best_checkpoint_id is not None]
    if not ids:
        return {}
    table = tables.checkpoints
    named = and_(
        tables.jobs.c.id == table.c.job_id,
        or_(tables.jobs.c.last_checkpoint_id == table.c.id, tables.jobs.c.best_checkpoint_id == table.c.id),
    )
    query = select(table).join(tables.jobs, named).where(tables.jobs.c.id.in_(ids))
    return {(row.job_id, row.id): CheckpointRecord.from_row(row) for row in connection.execute(query)}
