"""What can be asked about jobs. Within one transaction, so that what is returned fits together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal, select, tuple_, union_all

from trainstop.server.jobs.metric_columns import joined
from trainstop.server.jobs.refusal import Refusal, no_such_job
from trainstop.server.jobs.server_lease import host_of
from trainstop.server.jobs.snapshot import wire_checkpoint, wire_command, wire_job, wire_jobs
from trainstop.server.jobs.states import FINAL, State
from trainstop.server.store import tables
from trainstop.server.store.records import AttemptRecord, CheckpointRecord, CommandRecord, JobRecord

_IDS_AT_ONCE = 500
_BEYOND = 2**63 - 1
"""No job's number is as high."""
_NO_COLUMNS: dict[str, Any] = {"attempt": [], "step": [], "epoch": [], "elapsed_seconds": [], "values": {}}


_EVENTS_AFTER = (
    select(tables.events, tables.metrics.c["columns"].label("columns"))
    .outerjoin(
        tables.metrics,
        (tables.metrics.c.job_id == tables.events.c.job_id) & (tables.metrics.c.seq == tables.events.c.seq),
    )
    .where(tables.events.c.job_id == bindparam("job_id"), tables.events.c.seq > bindparam("after"))
    .order_by(tables.events.c.seq)
    .limit(bindparam("most"))
)
"""Made once: every stream asks it for every event."""


@dataclass(frozen=True, slots=True)
class Events:
    """A stretch of a job's events, and where the job stands at the same moment."""

    events: list[dict[str, Any]]
    whole: bool
    """Every event after the seq that was asked for is still there."""
    seq: int
    """The job's newest; reached when the last event has it."""
    attempt: int
    status: str
    updated_at: str

    @property
    def final(self) -> bool:
        return self.status in FINAL


def job_record(connection: Connection, job_id: str, owner: str | None) -> JobRecord:
    """Raises Refusal: for an owner, other people's jobs do not exist."""
    job = JobRecord.find(connection, id=job_id)
    if job is None or (owner is not None and job.owner != owner):
        raise no_such_job()
    return job


def answers(connection: Connection) -> bool:
    return connection.execute(select(tables.meta.c.key).limit(1)).first() is not None


def count(connection: Connection) -> dict[str, int]:
    """Status → jobs. Read off an index."""
    table = tables.jobs
    query = select(table.c.status, func.count()).group_by(table.c.status)
    return {status: number for status, number in connection.execute(query)}


def job(connection: Connection, generation: int, job_id: str, owner: str | None) -> dict[str, Any]:
    return wire_job(connection, job_record(connection, job_id, owner), generation)


def jobs(
    connection: Connection,
    generation: int,
    *,
    owner: str | None,
    statuses: Sequence[str],
    before: str | None,
    limit: int,
) -> tuple[list[dict[str, Any]], str | None]:
    """The newest `limit` jobs, of those statuses if any are given, and the job to go on `before`. A job and
    no number: numbers would tell how many jobs others start. Raises Refusal when there is no such job, for
    this owner or at all."""
    number = None if before is None else _number_of(connection, before, owner)
    newest = [
        _newest(connection.dialect.name, owner=owner, status=status, before=number, limit=limit + 1)
        for status in dict.fromkeys(statuses) or (None,)
    ]
    if len(newest) == 1:
        rows = connection.execute(newest[0]).all()
    else:
        # Each status by its index: asked for all at once, a store sorts every job that has one of them.
        table = tables.jobs
        stretches = (each.with_only_columns(table.c.number).subquery() for each in newest)
        numbers = union_all(*(select(each.c.number) for each in stretches)).subquery()
        query = select(table).where(table.c.number.in_(select(numbers.c.number)))
        rows = connection.execute(query.order_by(table.c.number.desc()).limit(limit + 1)).all()
    found = [JobRecord.from_row(row) for row in rows[:limit]]
    more = len(rows) > limit
    return wire_jobs(connection, found, generation), found[-1].id if more else None


def _number_of(connection: Connection, job_id: str, owner: str | None) -> int:
    table = tables.jobs
    row = connection.execute(select(table.c.number, table.c.owner).where(table.c.id == job_id)).first()
    if row is None or (owner is not None and row.owner != owner):
        raise Refusal(
            "invalid_request",
            "cursor is none of this server's (any more); leave it out to begin anew.",
            field="cursor",
        )
    return int(row.number)


def _newest(
    dialect: str, *, owner: str | None, status: str | None, before: int | None, limit: int
) -> Select[Any]:
    """A stretch of the index that begins with what is given and ends with the number."""
    table = tables.jobs
    given = [(table.c.status, status), (table.c.owner, owner)]
    given = [(column, value) for column, value in given if value is not None]
    query = select(table).limit(limit)
    if given and dialect == "postgresql":
        # Ordered by the number alone, it likes to walk the jobs from the newest until it has met enough of
        # these, past all others where these are old. As rows they are in order in that index only. (With the
        # owner before the status it would sort all jobs of the owner.) Values that come too late for its
        # statistics keep it from believing that there are next to none.
        columns = [*(column for column, _ in given), table.c.number]
        values = [select(literal(value, column.type)).scalar_subquery() for column, value in given]
        first, last = tuple_(*values, 0), tuple_(*values, _BEYOND if before is None else before)
        query = query.where(tuple_(*columns) > first, tuple_(*columns) < last)
        return query.order_by(*(column.desc() for column in columns))
    if before is not None:
        query = query.where(table.c.number < before)
    return query.where(*(column == value for column, value in given)).order_by(table.c.number.desc())


def commands(connection: Connection, job_id: str, owner: str | None) -> list[dict[str, Any]]:
    """Newest first."""
    job_record(connection, job_id, owner)
    table = tables.commands
    query = select(table).where(table.c.job_id == job_id).order_by(table.c.number.desc())
    return [wire_command(CommandRecord.from_row(row)) for row in connection.execute(query)]


def command(connection: Connection, job_id: str, command_id: str, owner: str | None) -> dict[str, Any]:
    job_record(connection, job_id, owner)
    found = CommandRecord.find(connection, id=command_id, job_id=job_id)
    if found is None:
        raise Refusal("not_found", "The job has no such command.")
    return wire_command(found)


def checkpoints(connection: Connection, job_id: str, owner: str | None) -> list[dict[str, Any]]:
    """Those on the disk, newest first."""
    job_record(connection, job_id, owner)
    table = tables.checkpoints
    query = (
        select(table)
        .where(table.c.job_id == job_id, table.c.removed_at.is_(None))
        .order_by(table.c.saved_at.desc(), table.c.number.desc())
    )
    return [wire_checkpoint(CheckpointRecord.from_row(row)) for row in connection.execute(query)]


def positions(connection: Connection, job_ids: Sequence[str]) -> dict[str, int]:
    """The newest seq of each of these jobs."""
    found: dict[str, int] = {}
    for begin in range(0, len(job_ids), _IDS_AT_ONCE):
        ids = job_ids[begin : begin + _IDS_AT_ONCE]
        query = select(tables.jobs.c.id, tables.jobs.c.seq).where(tables.jobs.c.id.in_(ids))
        found.update({row.id: row.seq for row in connection.execute(query)})
    return found


def attempt(
    connection: Connection, job_id: str, owner: str | None, number: int | None, server_id: str
) -> tuple[int, bool]:
    """(number, whether it is over) of an attempt whose files are this server's; None is the current one."""
    job = job_record(connection, job_id, owner)
    if job.server_id != server_id:
        host = host_of(connection, job.server_id)
        raise Refusal(
            "not_supported", f"The files of this job lie on {host}; ask the Trainstop server there for them."
        )
    current = job.attempt
    wanted = current if number is None else number
    found = AttemptRecord.find(connection, job_id=job_id, attempt=wanted)
    if found is None:
        raise Refusal("not_found", "The job has no such attempt.", field="attempt")
    return wanted, found.ended_at is not None


def metrics(connection: Connection, job_id: str, owner: str | None) -> tuple[int, dict[str, Any]]:
    """(seq, columns): every row up to that seq."""
    seq = job_record(connection, job_id, owner).seq
    table = tables.metrics
    query = select(table.c["columns"]).where(table.c.job_id == job_id).order_by(table.c.seq)
    return seq, joined(connection.execute(query).scalars())


def events_after(
    connection: Connection,
    generation: int,
    job_id: str,
    *,
    owner: str | None,
    seq: int,
    limit: int,
    enough: Callable[[dict[str, Any]], bool] = lambda _: False,
) -> Events:
    """At most `limit` events with a greater seq, as they travel; none after the one that is `enough`."""
    record = job_record(connection, job_id, owner)
    found: list[dict[str, Any]] = []
    for row in connection.execute(_EVENTS_AFTER, {"job_id": job_id, "after": seq, "most": limit}):
        data = row.data
        if row.type == "metrics":
            data = {**data, "columns": row.columns or _NO_COLUMNS}
        event = {
            "job_id": job_id,
            "generation": generation,
            "seq": row.seq,
            "at": row.at,
            "type": row.type,
            "data": data,
        }
        found.append(event)
        if enough(event):
            break
    # Not by `events_from` alone: what is promised is that nothing is missing, so that is looked at.
    contiguous = [event["seq"] for event in found] == list(range(seq + 1, seq + 1 + len(found)))
    whole = contiguous and record.events_from <= seq and (bool(found) or seq >= record.seq)
    return Events(found, whole, record.seq, record.attempt, State(record.status), record.updated_at)
