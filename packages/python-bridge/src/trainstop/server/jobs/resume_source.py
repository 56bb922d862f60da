"""The checkpoint to go on from: which one, and whether it is still on the disk as it was verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from trainstop.checkpoints.verification import verify
from trainstop.server.jobs.best import choose_good_ones
from trainstop.server.jobs.capabilities import may_resume_without_checkpoint
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.store import tables
from trainstop.server.store.records import CheckpointRecord

REREAD_BYTES = 2 << 30
"""Up to this size every byte is read again before a resume, within seconds. Of larger ones the manifest, and
the presence and size of every file: all bytes were read when they were saved, and someone is waiting."""


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint that verified when it was saved."""

    job_id: str
    checkpoint_id: str
    path: str
    bytes: int

    @property
    def for_spec(self) -> dict[str, str]:
        return {"checkpoint_id": self.checkpoint_id, "path": self.path}


class UnexaminedError(Exception):
    """The transaction can't go on before this checkpoint was looked at on the disk, outside of it."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.checkpoint_id)
        self.source = source


@dataclass(slots=True)
class Examined:
    """What one request has found on the disk so far."""

    good: set[Source] = field(default_factory=set)
    damaged: dict[str, str] = field(default_factory=dict)
    """Checkpoint id → what is wrong with it."""

    def examine(self, source: Source) -> str | None:
        """What is wrong with it; None: nothing. Blocks while it reads."""
        found = verify(Path(source.path), largest=REREAD_BYTES)
        problem = str(found.problems[0]) if found.problems else None
        manifest = found.manifest
        if manifest is not None and manifest["checkpoint_id"] != source.checkpoint_id:
            problem = f"its manifest is that of {manifest['checkpoint_id']}"
        if problem is None:
            self.good.add(source)
        else:
            self.damaged[source.checkpoint_id] = problem
        return problem

    @property
    def passed_over(self) -> str | None:
        """A sentence about those that were wanted first."""
        if not self.damaged:
            return None
        return " ".join(f"{id_} is damaged ({problem})." for id_, problem in self.damaged.items())


def mark_damaged(change: Change, source: Source, problem: str) -> None:
    """It verified once and does not any more: nobody is to be offered it again."""
    checkpoint = CheckpointRecord.find(change.connection, job_id=source.job_id, id=source.checkpoint_id)
    if checkpoint is not None and checkpoint.verified:
        checkpoint.verified, checkpoint.problem = False, problem
        change.add_checkpoint(checkpoint)
        choose_good_ones(change)


def choose_source(change: Change, wanted: str, examined: Examined) -> Source | None:
    """None only for a job that never ran and has no checkpoint to start from: it starts anew.

    `wanted`: `last`, `best` or an id. What lies on another server's machine is taken as it verified there.
    Raises Refusal where there is none, and UnexaminedError.
    """
    source = _candidate(change, wanted, examined)
    elsewhere = change.job.server_id not in (None, change.transaction.server_id)
    if source is not None and source not in examined.good and not elsewhere:
        raise UnexaminedError(source)
    return source


def _candidate(change: Change, wanted: str, examined: Examined) -> Source | None:
    job = change.job
    if wanted == "best":
        return _best(change, examined)
    if wanted != "last":
        named = _own(change, wanted) or _inherited(change, wanted)
        if named is None and wanted in examined.damaged:
            raise _no_checkpoint(
                change,
                f"The checkpoint {wanted} is damaged: {examined.damaged[wanted]}. "
                "Resume from last or from another.",
            )
        if named is None:
            raise _no_checkpoint(
                change,
                f"The run has no verified checkpoint {wanted}; its list of checkpoints tells which it has.",
            )
        return named
    last = _own(change, job.last_checkpoint_id) or _inherited(change, None)
    if last is None and (examined.damaged or not may_resume_without_checkpoint(job)):
        why = f" {examined.passed_over}" if examined.damaged else ""
        raise _no_checkpoint(
            change, f"The run has no verified checkpoint to go on from; start a new run instead.{why}"
        )
    return last


def _best(change: Change, examined: Examined) -> Source:
    wanted = change.job.best_metric
    best = _own(change, change.job.best_checkpoint_id)
    if best is not None:
        return best
    if wanted is None:
        sentence = (
            "Which checkpoint of this run is the best is not known, since neither it nor its template "
            "names a best_metric; resume from last or from an id."
        )
    else:
        sentence = (
            f"No verified checkpoint of this run has a {wanted['metric']}; resume from last or from an id."
        )
    why = f" {examined.passed_over}" if examined.damaged else ""
    raise _no_checkpoint(change, sentence + why)


def _own(change: Change, checkpoint_id: str | None) -> Source | None:
    return None if checkpoint_id is None else _verified(change, change.job.id, checkpoint_id)


def _inherited(change: Change, wanted: str | None) -> Source | None:
    """What the job itself was resumed from: as good as its own while it has saved nothing better."""
    origin = change.job.resumed_from
    if origin is None or (wanted is not None and origin["checkpoint_id"] != wanted):
        return None
    return _verified(change, origin["job_id"], origin["checkpoint_id"])


def _verified(change: Change, job_id: str, checkpoint_id: str) -> Source | None:
    table = tables.checkpoints
    query = select(table).where(
        table.c.job_id == job_id,
        table.c.id == checkpoint_id,
        table.c.verified,
        table.c.removed_at.is_(None),
    )
    row = change.connection.execute(query).first()
    if row is None:
        return None
    checkpoint = CheckpointRecord.from_row(row)
    return Source(job_id, checkpoint.id, checkpoint.path, checkpoint.bytes)


def _no_checkpoint(change: Change, sentence: str) -> Refusal:
    return Refusal("no_checkpoint", sentence, field="from", job_status=change.job.status)
