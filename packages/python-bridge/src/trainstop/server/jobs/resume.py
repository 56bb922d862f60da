"""Resume: a paused job goes on as its next attempt, a stopped or failed one as a new job."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from trainstop.protocol.control import ResumeOptions
from trainstop.server.jobs.asked import Asked, Decision, new_command, new_id
from trainstop.server.jobs.capabilities import may_resume_without_checkpoint
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.progress import no_progress
from trainstop.server.jobs.receipts import skip_the_rest
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL, Answer, State, Trigger
from trainstop.server.store import tables
from trainstop.server.store.records import AttemptRecord, CheckpointRecord, CommandRecord, JobRecord


@dataclass(frozen=True, slots=True)
class Source:
    """The checkpoint to go on from."""

    job_id: str
    checkpoint_id: str
    path: str

    @property
    def for_spec(self) -> dict[str, str]:
        return {"checkpoint_id": self.checkpoint_id, "path": self.path}


def resume(change: Change, options: ResumeOptions, asked: Asked) -> tuple[Decision, Change | None]:
    """The decision, and the change of the new job where there is one. Raises Refusal where the job's status
    does not allow it, or where no verified checkpoint is there to go on from."""
    outcome = change.outcome(Trigger.RESUME)
    if outcome is Answer.CONFLICT:
        raise _conflict(change)
    source = _source(change, options.from_ or "last")
    if outcome is Answer.NEW_JOB:
        if source is None:
            raise RuntimeError(f"job {change.job.id} is final and has no checkpoint, yet was resumed")
        return _as_new_job(change, options, asked, source)

    command = new_command(change, asked, "resume", options)
    command.from_ = None if source is None else source.checkpoint_id
    change.next_attempt(change.attempt.resume if source is None else source.for_spec)
    command.attempt = change.job.attempt
    change.begin(command)
    change.enter(State.PENDING)
    return Decision("accepted", command, change.job.id), None


def _as_new_job(
    change: Change, options: ResumeOptions, asked: Asked, source: Source
) -> tuple[Decision, Change | None]:
    under_way = _under_way(change)
    if under_way is not None:
        going_on, earlier = under_way
        if earlier is not None and (options.from_ in (None, "last") or earlier.from_ == source.checkpoint_id):
            return Decision("accepted", earlier, going_on.id), None
        raise Refusal(
            "conflict",
            f"The job {going_on.id} already goes on from {_checkpoint_of(going_on)}; "
            "stop it before you resume from another checkpoint.",
            field="from",
            job_status=change.job.status,
        )
    old = change.job
    job = JobRecord(
        id=new_id("job"),
        owner=old.owner,
        name=old.name,
        template=old.template,
        params=old.params,
        argv=old.argv,
        cwd=old.cwd,
        env=old.env,
        created_at=change.at,
        updated_at=change.at,
        progress=no_progress(),
        save_seconds=old.save_seconds,
        server_id=old.server_id,  # the checkpoint lies on that machine
        resumed_from={"job_id": source.job_id, "checkpoint_id": source.checkpoint_id},
    )
    attempt = AttemptRecord(job_id=job.id, attempt=1, created_at=change.at, resume=source.for_spec)
    new = Change.create(change.transaction, job, attempt)
    command = new_command(change, asked, "resume", options)
    command.from_ = source.checkpoint_id
    command.resumed_as = job.id
    old.resumed_as = job.id
    change.begin(command)
    skip_the_rest(command, change.at, f"{job.id} goes on from {source.checkpoint_id}.")
    change.end("succeeded", f"{job.id} goes on from {source.checkpoint_id}.")
    return Decision("accepted", command, job.id), new


def _under_way(change: Change) -> tuple[JobRecord, CommandRecord | None] | None:
    """The job that goes on from this one and is not over yet, and the command that started it."""
    if change.job.resumed_as is None:
        return None
    going_on = JobRecord.find(change.connection, id=change.job.resumed_as)
    if going_on is None or State(going_on.status) in FINAL:
        return None
    return going_on, CommandRecord.find(change.connection, job_id=change.job.id, resumed_as=going_on.id)


def _checkpoint_of(job: JobRecord) -> str:
    return "the beginning" if job.resumed_from is None else str(job.resumed_from["checkpoint_id"])


def _source(change: Change, wanted: str) -> Source | None:
    """None only for a job that never ran and has no checkpoint to start from: it starts anew."""
    job = change.job
    if wanted == "best":
        raise _no_checkpoint(
            change,
            "Which checkpoint of this run is the best is not known; resume from last or from an id.",
        )
    if wanted != "last":
        named = _own(change, wanted) or _inherited(change, wanted)
        if named is None:
            raise _no_checkpoint(
                change,
                f"The run has no verified checkpoint {wanted}; its list of checkpoints tells which it has.",
            )
        return named
    last = _own(change, job.last_checkpoint_id) or _inherited(change, None)
    if last is None and not may_resume_without_checkpoint(job):
        raise _no_checkpoint(
            change, "The run has no verified checkpoint to go on from; start a new run instead."
        )
    return last


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
    return Source(job_id, checkpoint.id, checkpoint.path)


def _no_checkpoint(change: Change, sentence: str) -> Refusal:
    return Refusal("no_checkpoint", sentence, field="from", job_status=change.job.status)


def _conflict(change: Change) -> Refusal:
    status = change.job.status
    if status == State.COMPLETED:
        sentence = "The run has completed; there is nothing left to go on with. Start a new run instead."
    elif status == State.STOPPING:
        sentence = "The run is being stopped; resume it when it has stopped."
    elif status == State.PAUSING:
        sentence = "The run is still being paused; resume it when it is paused."
    else:
        sentence = (
            f"The run is {status}; only one that was paused or stopped, or that failed, can be resumed."
        )
    return Refusal("conflict", sentence, job_status=status)
