"""Jobs as supervision sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, and_, case, func, or_, select, tuple_

from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.control import NEVER
from trainstop.rundir.layout import server_wake
from trainstop.server.jobs.change import ALONE
from trainstop.server.jobs.health import unresponsive_at
from trainstop.server.jobs.report import has_reported
from trainstop.server.jobs.states import ON_THE_WIRE, SUPERVISED, State
from trainstop.server.jobs.supervised_job import SupervisedJob
from trainstop.server.jobs.waiting import waiting_for_disk, waiting_for_place
from trainstop.server.store import tables

if TYPE_CHECKING:
    from typing import Literal

    from sqlalchemy import ColumnElement

    from trainstop.rundir.control import ControlCommand, Mode

    Action = Literal["cancel", "pause", "resume"]

LOG_LIMIT_BYTES = 256 << 20
LINGER_SECONDS = 5.0
"""How long processes that the main process leaves behind may take to go by themselves."""

_STATUSES = sorted({ON_THE_WIRE[state] for state in SUPERVISED})
# Of those that are paused, the held ones alone. Said so that the index on the status serves.
_WITH_A_PROCESS = and_(
    tables.jobs.c.status.in_(_STATUSES),
    or_(tables.jobs.c.status != State.PAUSED, tables.jobs.c.held_by.is_not(None)),
)
_CURRENT = and_(
    tables.attempts.c.job_id == tables.jobs.c.id, tables.attempts.c.attempt == tables.jobs.c.attempt
)
_JOB_COLUMNS = ("id", "number", "attempt", "status", "health", "command_id", "held_by", "waits_for")
_COMMAND_COLUMNS = ("action", "mode", "hold", "wait_until", "term_at", "deadline")
# Once a hold is reached its command has ended, and still says what the run does.
_ASKED = func.coalesce(tables.jobs.c.command_id, tables.jobs.c.held_by)
_SUPERVISED = (
    select(
        *(tables.jobs.c[name] for name in _JOB_COLUMNS),
        *(tables.attempts.c[name] for name in ("launch", "created_at", "pace")),
        # Of who is asked nothing, nobody needs to know how it would hear.
        case((_ASKED.is_not(None), tables.attempts.c.offsets)).label("offsets"),
        *(tables.commands.c[name] for name in _COMMAND_COLUMNS),
        tables.commands.c.id.label("asked_id"),
        tables.commands.c.created_at.label("asked_at"),
    )
    .join(tables.attempts, _CURRENT)
    .outerjoin(tables.commands, tables.commands.c.id == _ASKED)
    .where(_WITH_A_PROCESS)
)
_IS_CLAIMED = tables.attempts.c.launch != "waiting"
_PLACE_IN_LINE = (tables.attempts.c.created_at, tables.jobs.c.number)
_SPEC = select(
    *(tables.jobs.c[name] for name in ("argv", "cwd", "env", "template", "best_metric")),
    tables.attempts.c.resume,
).join(tables.attempts, tables.attempts.c.job_id == tables.jobs.c.id)

_ACTIONS: dict[str, Action] = {"cancel": "cancel", "pause": "pause", "resume": "resume"}
_MODES: dict[str | None, Mode] = {"checkpoint": "checkpoint", "epoch": "epoch", "force": "force"}


@dataclass(frozen=True, slots=True)
class WorkerAccess:
    """How a run reaches the server to report on itself."""

    url: str | None
    token: Callable[[str, int], str]
    """Of a job's attempt."""

    def environment(self, job_id: str, attempt: int) -> dict[str, str]:
        if self.url is None:
            return {}
        return {"TRAINSTOP_URL": self.url, "TRAINSTOP_TOKEN": self.token(job_id, attempt)}


@dataclass(slots=True)
class Launching:
    """What every launch has in common."""

    data_dir: Path
    base_env: Mapping[str, str]
    """The server's environment without its secrets."""
    max_running_jobs: int
    """0: no limit."""
    worker: WorkerAccess | None = None
    """None: runs are given no way to report by HTTP."""
    server_id: str = ALONE
    """Only this server's jobs are launched and supervised."""
    run: str | None = None
    """Of its lease, in a store that is shared."""
    log_limit_bytes: int = LOG_LIMIT_BYTES
    """Of each attempt's output; 0: no limit."""
    held: str | None = None
    """Why no further run is started just now: a sentence about a job that waits for it."""


def supervised_jobs(connection: Connection, launching: Launching) -> list[SupervisedJob]:
    """Those in need of supervision, the one that has waited longest first.

    Asked every second, so it is one query, however many there are, and only of what can have changed.
    """
    mine = _SUPERVISED.where(tables.jobs.c.server_id == launching.server_id)
    rows = connection.execute(mine.order_by(*_PLACE_IN_LINE)).all()
    free = float("inf")
    if launching.max_running_jobs:
        free = launching.max_running_jobs - sum(row.launch != "waiting" for row in rows)
    jobs = []
    for row in rows:
        job = _supervised(row, launching, free > 0)
        free -= job.may_launch and not job.claimed
        jobs.append(job)
    return jobs


def one_supervised_job(connection: Connection, job_id: str, launching: Launching) -> SupervisedJob | None:
    mine = _SUPERVISED.where(tables.jobs.c.server_id == launching.server_id)
    row = connection.execute(mine.where(tables.jobs.c.id == job_id)).first()
    if row is None:
        return None
    before = tuple_(*_PLACE_IN_LINE) < tuple_(row.created_at, row.number)
    has_place = row.launch != "waiting" or _free(connection, launching, or_(_IS_CLAIMED, before)) > 0
    return _supervised(row, launching, has_place)


def free_places(connection: Connection, launching: Launching) -> float:
    return _free(connection, launching, _IS_CLAIMED)


def _free(connection: Connection, launching: Launching, taken_by: ColumnElement[bool]) -> float:
    """Places that are left when each of these has its own."""
    if not launching.max_running_jobs:
        return float("inf")
    mine = tables.jobs.c.server_id == launching.server_id
    jobs = select(func.count()).select_from(tables.jobs).join(tables.attempts, _CURRENT)
    query = jobs.where(_WITH_A_PROCESS, mine, taken_by)
    return launching.max_running_jobs - connection.execute(query).scalar_one()


def spec_of(connection: Connection, job_id: str, attempt: int, launching: Launching) -> dict[str, Any]:
    """Content of spec.json. Raises LookupError when there is no such attempt (any more)."""
    query = _SPEC.where(tables.jobs.c.id == job_id, tables.attempts.c.attempt == attempt)
    row = connection.execute(query).first()
    if row is None:
        raise LookupError(f"job {job_id} has no attempt {attempt}")
    access = launching.worker
    of_the_run = {} if access is None else access.environment(job_id, attempt)
    return {
        "job_id": job_id,
        "attempt": attempt,
        "argv": row.argv,
        "cwd": row.cwd,
        # Without a template, the environment came whole with the command.
        "env": {**({} if row.template is None else launching.base_env), **row.env, **of_the_run},
        "server_wake": str(server_wake(launching.data_dir)),
        "linger_seconds": LINGER_SECONDS,
        "log_limit_bytes": launching.log_limit_bytes,
        "resume": row.resume,
        "best": row.best_metric,
    }


def offsets_of(connection: Connection, job_id: str, attempt: int) -> dict[str, int]:
    """Journal file name → bytes already recorded; nothing of an attempt that there is not (any more)."""
    c = tables.attempts.c
    query = select(c.offsets).where(c.job_id == job_id, c.attempt == attempt)
    return dict(connection.execute(query).scalar() or {})


def _supervised(row: Row[*tuple[Any, ...]], launching: Launching, place_free: bool) -> SupervisedJob:
    claimed = row.launch != "waiting"
    waits_for = None
    if row.status == State.PENDING and not claimed:
        waits_for = _waits_for(launching, place_free)
    return SupervisedJob(
        job_id=row.id,
        attempt=row.attempt,
        status=row.status,
        health=row.health,
        unresponsive_at=unresponsive_at(row.status, row.health, row.pace),
        may_launch=row.status == State.PENDING and row.launch != "launched" and waits_for is None,
        waits_for=waits_for,
        waiting_is_told=waits_for == row.waits_for,
        claimed=claimed,
        launched=row.launch == "launched",
        linger_seconds=LINGER_SECONDS,
        control=_control(row),
    )


def _waits_for(launching: Launching, place_free: bool) -> dict[str, Any] | None:
    if launching.held is not None:
        return waiting_for_disk(launching.held)
    return None if place_free else waiting_for_place(launching.max_running_jobs)


def _control(row: Row[*tuple[Any, ...]]) -> ControlCommand | None:
    """What the process must hear. The resume of a run that has left is carried out by the launch itself."""
    if row.action not in _ACTIONS or row.deadline is None or (row.action == "resume" and row.held_by is None):
        return None
    return {
        "id": row.asked_id,
        "action": _ACTIONS[row.action],
        "mode": _MODES.get(row.mode, "graceful"),
        "hold": row.hold is True,
        "created_at": unix_seconds(row.asked_at),
        "wait_until": None if row.wait_until is None else unix_seconds(row.wait_until),
        "term_at": None if row.term_at is None else unix_seconds(row.term_at),
        "reported": has_reported(row.offsets),
        "deadline": NEVER if row.command_id is None else unix_seconds(row.deadline),
    }
