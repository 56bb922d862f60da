"""Which checkpoints of a job that is over may go. Never the last good one, the best, or one that something
began from."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from trainstop.checkpoints.verification import verify
from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.layout import job_dir
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.states import FINAL, State
from trainstop.server.retention.job_files import REMOVING, names_in, remove
from trainstop.server.store import tables
from trainstop.server.store.records import CheckpointRecord

_SAVING = ".saving-"
REREAD_BYTES = 64 << 30
"""Of a larger checkpoint the sizes of its files are compared: everybody else's old files wait meanwhile."""


def remove_superfluous(jobs: Jobs, data_dir: Path, job_id: str, saved_before: float) -> int:
    """How many went. First the store says so, then the files go: a checkpoint that is offered is there.

    One of those that stay is read byte by byte first, up to REREAD_BYTES; where none is good, all stay.
    Blocks for as long.
    """
    kept = jobs.look_at(job_id, lambda change: _kept_for(change, saved_before))
    if not kept or not any(_is_good(data_dir, job_id, id_) for id_ in kept):
        return 0
    gone = jobs.tidy(job_id, lambda change: _mark(change, saved_before))
    for checkpoint_id in gone:
        remove(data_dir, "jobs", job_id, "checkpoints", checkpoint_id)
    return len(gone)


def remove_leftovers(jobs: Jobs, data_dir: Path, job_id: str) -> None:
    """What a server that was killed in between, or a killed save, has left of a job that is over."""
    names = names_in(data_dir, "jobs", job_id, "checkpoints")
    hidden = [name for name in names if name.startswith((REMOVING, _SAVING))]
    shown = [name for name in names if name not in hidden]
    for name in [*hidden, *(jobs.look_at(job_id, lambda change: _removed(change, shown)) if shown else [])]:
        remove(data_dir, "jobs", job_id, "checkpoints", name)


def _kept_for(change: Change, saved_before: float) -> list[str]:
    """Good ones that would stay, the last first; none when nothing would go."""
    going = {checkpoint.id for checkpoint in _superfluous(change, saved_before)}
    if not going:
        return []
    stay = [one for one in _present(change) if one.verified and one.id not in going]
    stay.sort(key=lambda one: (one.id == change.job.last_checkpoint_id, one.saved_at), reverse=True)
    return [one.id for one in stay]


def _mark(change: Change, saved_before: float) -> list[str]:
    gone = _superfluous(change, saved_before)
    for checkpoint in gone:
        checkpoint.removed_at = change.at
        change.add_checkpoint(checkpoint)
    return [checkpoint.id for checkpoint in gone]


def _superfluous(change: Change, saved_before: float) -> list[CheckpointRecord]:
    if State(change.job.status) not in FINAL:
        return []
    present = _present(change)
    needed = _needed(change, present)
    old = [one for one in present if one.id not in needed and unix_seconds(one.saved_at) < saved_before]
    return old if any(one.verified and one not in old for one in present) else []


def _present(change: Change) -> list[CheckpointRecord]:
    table = tables.checkpoints
    query = select(table).where(table.c.job_id == change.job.id, table.c.removed_at.is_(None))
    return [CheckpointRecord.from_row(row) for row in change.connection.execute(query)]


def _needed(change: Change, present: list[CheckpointRecord]) -> set[str | None]:
    commands, attempts = tables.commands, tables.attempts
    resumed = select(commands.c["from"]).where(
        commands.c.job_id == change.job.id, commands.c.action == "resume"
    )
    begun = select(attempts.c.resume).where(attempts.c.job_id == change.job.id)
    good = [one for one in present if one.verified]
    newest = max(good, key=lambda one: (one.step or 0, one.saved_at), default=None)
    return {
        change.job.last_checkpoint_id,
        getattr(change.job, "best_checkpoint_id", None),
        None if newest is None else newest.id,
        *change.connection.execute(resumed).scalars(),
        *(resume["checkpoint_id"] for resume in change.connection.execute(begun).scalars() if resume),
    }


def _removed(change: Change, names: list[str]) -> list[str]:
    if State(change.job.status) not in FINAL:
        return []
    table = tables.checkpoints
    query = select(table.c.id).where(table.c.job_id == change.job.id, table.c.removed_at.is_not(None))
    # Not asked for by name: a script may have made any number of directories.
    return sorted(set(names).intersection(change.connection.execute(query).scalars()))


def _is_good(data_dir: Path, job_id: str, checkpoint_id: str) -> bool:
    return verify(job_dir(data_dir, job_id) / "checkpoints" / checkpoint_id, largest=REREAD_BYTES).ok
