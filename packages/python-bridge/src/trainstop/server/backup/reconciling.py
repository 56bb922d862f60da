"""A restored store beside run directories that went on: attempts it doesn't know are taken in, checkpoints
that are gone are offered no more. Everything else is read again from the journals, as after any restart."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from sqlalchemy import Connection, and_, select, update

from trainstop.protocol.primitives import ID_PATTERN
from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.control import NEVER, read_control
from trainstop.rundir.layout import LARGEST_SPEC_BYTES, RunDir, job_dir
from trainstop.server.jobs.progress import no_progress
from trainstop.server.jobs.receipts import put_receipt
from trainstop.server.jobs.states import FINAL, State
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.records import AttemptRecord, CheckpointRecord, CommandRecord, JobRecord
from trainstop.server.supervision.launch import has_shim
from trainstop.shim.spec import Spec, SpecError

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(slots=True)
class Found:
    jobs: list[str] = field(default_factory=list)
    """Started after the backup. Whose they were is not known: they belong to no owner."""
    attempts: list[str] = field(default_factory=list)
    """Jobs with a later attempt than the backup knows."""
    checkpoints: int = 0
    """Gone since."""


def reconcile(database: Database, data_dir: Path, server_id: str) -> Found:
    """In a store that several servers share, only what belongs to this directory's is touched."""
    found = Found()
    with database.write() as connection:
        if not database.shared:
            # This directory's server is the one that works on from here, also on another machine.
            connection.execute(update(tables.jobs).values(server_id=server_id))
            connection.execute(tables.servers.delete())
        found.checkpoints = _forget_missing(connection, data_dir, server_id)
        jobs = data_dir / "jobs"
        for job_id in sorted(os.listdir(jobs)) if jobs.is_dir() else []:  # noqa: PTH208
            _take_in(connection, data_dir, job_id, server_id, found)
    return found


def _take_in(connection: Connection, data_dir: Path, job_id: str, server_id: str, found: Found) -> None:
    if not re.fullmatch(ID_PATTERN, job_id):
        return
    newest = _newest_attempt(data_dir, job_id)
    told = None if newest is None else _spec(RunDir.of(data_dir, job_id, newest))
    if newest is None or told is None or told[0].job_id != job_id:
        return
    spec, resume = told
    at = rfc3339(now())
    job = JobRecord.find(connection, id=job_id)
    begun = AttemptRecord(job_id=job_id, attempt=newest, created_at=at, launch="launched", resume=resume)
    if job is None:
        job = JobRecord(
            id=job_id,
            owner=None,
            name=job_id,
            template=None,
            params={},
            argv=spec.argv,
            cwd=spec.cwd,
            env=spec.env,
            attempt=newest,
            created_at=at,
            updated_at=at,
            progress=no_progress(),
            server_id=server_id,
        )
        job.add(connection)
        begun.add(connection)
        found.jobs.append(job_id)
    elif newest > job.attempt and State(job.status) not in FINAL:
        _end_command(connection, job, at)
        before = AttemptRecord.find(connection, job_id=job_id, attempt=job.attempt)
        if before is not None:
            before.ended_at = before.ended_at or at
            before.save(connection)
        begun.add(connection)
        job.attempt, job.status, job.updated_at = newest, State.PENDING.value, at
        job.save(connection)
        found.attempts.append(job_id)
    if job.attempt == newest:
        _take_up_command(connection, RunDir.of(data_dir, job_id, newest), job)


def _take_up_command(connection: Connection, run: RunDir, job: JobRecord) -> None:
    """What the run was asked after the backup lies before it still. Who asked, and why, is not known."""
    try:
        asked = read_control(run.control)
    except (OSError, ValueError, LookupError, TypeError):
        return
    if not _makes_sense(asked) or asked.get("hold") or State(job.status) in FINAL:
        return
    if CommandRecord.find(connection, id=asked["id"]) is not None:
        return
    _end_command(connection, job, rfc3339(now()))
    created_at = rfc3339(asked["created_at"])
    command = CommandRecord(
        id=asked["id"],
        job_id=job.id,
        attempt=job.attempt,
        action=asked["action"],
        mode=asked["mode"] if asked["action"] == "cancel" else None,
        actor={"type": "system", "id": None, "name": None},
        created_at=created_at,
        term_at=None if asked["term_at"] is None else rfc3339(asked["term_at"]),
        deadline=rfc3339(asked["deadline"]),
    )
    for stage in ("requested", "accepted"):
        put_receipt(command, stage, "done", created_at, by="server")
    command.add(connection)
    job.command_id = command.id
    job.status = (State.STOPPING if command.action == "cancel" else State.PAUSING).value
    job.status_version += 1
    job.save(connection)


def _makes_sense(asked: Any) -> TypeGuard[ControlCommand]:
    """A stop or a pause as a server writes it. The directory is the script's too."""
    if not isinstance(asked, dict) or asked.get("action") not in ("cancel", "pause"):
        return False
    times: list[Any] = [asked.get("created_at"), asked.get("deadline")]
    times += [] if asked.get("term_at") is None else [asked["term_at"]]
    return (
        isinstance(asked.get("id"), str)
        and re.fullmatch(ID_PATTERN, asked["id"]) is not None
        and asked.get("mode") in ("graceful", "checkpoint", "epoch", "force")
        and all(type(each) in (int, float) and 0 <= each <= NEVER for each in times)
    )


def _end_command(connection: Connection, job: JobRecord, at: str) -> None:
    command = None if job.command_id is None else CommandRecord.find(connection, id=job.command_id)
    if command is not None:
        command.status, command.ended_at = "failed", at
        command.message = "The store was restored from a backup; what became of it is not known."
        command.save(connection)
    job.last_command_id, job.command_id = job.command_id or job.last_command_id, None


def _forget_missing(connection: Connection, data_dir: Path, server_id: str) -> int:
    table, count = tables.checkpoints, 0
    of_this_server = tables.jobs.c.id == table.c.job_id, tables.jobs.c.server_id == server_id
    query = select(table).join(tables.jobs, and_(*of_this_server)).where(table.c.removed_at.is_(None))
    for row in connection.execute(query).all():
        checkpoint = CheckpointRecord.from_row(row)
        if (job_dir(data_dir, checkpoint.job_id) / "checkpoints" / checkpoint.id).is_dir():
            continue
        checkpoint.removed_at = rfc3339(now())
        checkpoint.save(connection)
        count += 1
        job = JobRecord.find(connection, id=checkpoint.job_id)
        if job is not None and job.last_checkpoint_id == checkpoint.id:
            good = select(table.c.id).where(
                table.c.job_id == job.id, table.c.verified, table.c.removed_at.is_(None)
            )
            newest = good.order_by(table.c.step.desc(), table.c.saved_at.desc()).limit(1)
            job.last_checkpoint_id = connection.execute(newest).scalar()
            job.save(connection)
    return count


def _newest_attempt(data_dir: Path, job_id: str) -> int | None:
    attempts = job_dir(data_dir, job_id) / "attempts"
    if not attempts.is_dir():
        return None
    numbers = [int(name) for name in os.listdir(attempts) if _ATTEMPT.fullmatch(name)]  # noqa: PTH208
    return max((n for n in numbers if has_shim(RunDir.of(data_dir, job_id, n))), default=None)


def _spec(run: RunDir) -> tuple[Spec, dict[str, str] | None] | None:
    """And the checkpoint that it began from."""
    try:
        value = read_json(run.spec, largest=LARGEST_SPEC_BYTES)
        spec, resume = Spec(value), (value or {}).get("resume")
    except (ValueError, OSError, SpecError):
        return None
    if not isinstance(resume, dict):
        return spec, None
    checkpoint_id, path = resume.get("checkpoint_id"), resume.get("path")
    if not isinstance(checkpoint_id, str) or not isinstance(path, str):
        return spec, None
    return spec, {"checkpoint_id": checkpoint_id, "path": path}
