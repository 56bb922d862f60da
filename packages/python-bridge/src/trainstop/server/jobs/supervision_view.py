"""Jobs as supervision sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, select

from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.layout import server_wake
from trainstop.server.jobs.states import SUPERVISED, State
from trainstop.server.jobs.supervised_job import SupervisedJob
from trainstop.server.store import tables
from trainstop.server.store.records import AttemptRecord, CommandRecord, JobRecord

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

LINGER_SECONDS = 5.0
"""How long processes that the main process leaves behind may take to go by themselves."""

_STATUSES = sorted(SUPERVISED - {State.STARTING})
_CURRENT = and_(
    tables.attempts.c.job_id == tables.jobs.c.id, tables.attempts.c.attempt == tables.jobs.c.attempt
)
_HAS_PLACE = and_(tables.jobs.c.status.in_(_STATUSES), tables.attempts.c.launch != "waiting")


@dataclass(frozen=True, slots=True)
class Launching:
    """What every launch has in common."""

    data_dir: Path
    base_env: Mapping[str, str]
    """The server's environment without its secrets."""
    max_running_jobs: int
    """0: no limit."""


def supervised_jobs(connection: Connection, launching: Launching) -> list[SupervisedJob]:
    """Those in need of supervision, the one that has waited longest first."""
    query = (
        select(tables.jobs.c.id)
        .join(tables.attempts, _CURRENT)
        .where(tables.jobs.c.status.in_(_STATUSES))
        .order_by(tables.attempts.c.created_at, tables.jobs.c.number)
    )
    free = free_places(connection, launching.max_running_jobs)
    jobs = []
    for id_ in connection.execute(query).scalars().all():
        job = _load(connection, id_, launching, free > 0)
        if job is not None:
            free -= job.may_launch and not job.claimed
            jobs.append(job)
    return jobs


def one_supervised_job(connection: Connection, job_id: str, launching: Launching) -> SupervisedJob | None:
    if not launching.max_running_jobs:
        return _load(connection, job_id, launching, True)
    return next((job for job in supervised_jobs(connection, launching) if job.job_id == job_id), None)


def free_places(connection: Connection, max_running_jobs: int) -> float:
    if not max_running_jobs:
        return float("inf")
    query = select(func.count()).select_from(tables.jobs).join(tables.attempts, _CURRENT).where(_HAS_PLACE)
    return max_running_jobs - connection.execute(query).scalar_one()


def _load(
    connection: Connection, job_id: str, launching: Launching, place_free: bool
) -> SupervisedJob | None:
    job = JobRecord.find(connection, id=job_id)
    if job is None or job.status not in _STATUSES:
        return None
    attempt = AttemptRecord.find(connection, job_id=job_id, attempt=job.attempt)
    if attempt is None:
        return None
    command = None if job.command_id is None else CommandRecord.find(connection, id=job.command_id)
    claimed = attempt.launch != "waiting"
    return SupervisedJob(
        job_id=job.id,
        attempt=job.attempt,
        status=job.status,
        health=job.health,
        may_launch=job.status == State.PENDING and attempt.launch != "launched" and (claimed or place_free),
        claimed=claimed,
        launched=attempt.launch == "launched",
        spec=_spec(job, attempt, launching),
        control=None if command is None else _control(command),
        offsets=attempt.offsets,
    )


def _spec(job: JobRecord, attempt: AttemptRecord, launching: Launching) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "attempt": attempt.attempt,
        "argv": job.argv,
        "cwd": job.cwd,
        "env": {**launching.base_env, **job.env},
        "server_wake": str(server_wake(launching.data_dir)),
        "linger_seconds": LINGER_SECONDS,
        "resume": attempt.resume,
    }


def _control(command: CommandRecord) -> ControlCommand | None:
    """What the process must hear; a resume is carried out by the launch itself."""
    if command.action not in ("cancel", "pause") or command.deadline is None:
        return None
    return {
        "id": command.id,
        "action": "cancel" if command.action == "cancel" else "pause",
        "mode": "force" if command.mode == "force" else "graceful",
        "created_at": unix_seconds(command.created_at),
        "term_at": None if command.term_at is None else unix_seconds(command.term_at),
        "deadline": unix_seconds(command.deadline),
    }
