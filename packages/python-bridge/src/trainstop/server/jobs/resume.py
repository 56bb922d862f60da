"""Resume: a held run goes on where it stands, a paused job as its next attempt, a stopped or failed one as a
new job."""

from __future__ import annotations

from trainstop.protocol.control import ResumeOptions
from trainstop.server.jobs.asked import Asked, Decision, new_command, new_id
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.deadlines import expiry
from trainstop.server.jobs.progress import no_progress
from trainstop.server.jobs.receipts import skip_the_rest
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.resume_source import Examined, Source, choose_source
from trainstop.server.jobs.states import FINAL, Answer, State, Trigger
from trainstop.server.store.records import AttemptRecord, CommandRecord, JobRecord


def resume(
    change: Change, options: ResumeOptions, asked: Asked, minimum_grace: float, examined: Examined
) -> tuple[Decision, Change | None]:
    """The decision, and the change of the new job where there is one. Raises Refusal where the job's status
    does not allow it, or where no verified checkpoint is there to go on from; UnexaminedError for one that
    must be looked at on the disk first."""
    outcome = change.outcome(Trigger.RESUME)
    if outcome is Answer.CONFLICT:
        raise _conflict(change)
    if outcome in (State.LIFTING, Answer.JOIN):
        return _lift(change, options, asked, minimum_grace), None
    source = choose_source(change, options.from_ or "last", examined)
    if outcome is Answer.NEW_JOB:
        if source is None:
            raise RuntimeError(f"job {change.job.id} is final and has no checkpoint, yet was resumed")
        return _as_new_job(change, options, asked, source, examined.passed_over)

    command = new_command(change, asked, "resume", options)
    command.message = examined.passed_over
    command.from_ = None if source is None else source.checkpoint_id
    change.next_attempt(change.attempt.resume if source is None else source.for_spec)
    command.attempt = change.job.attempt
    change.begin(command)
    change.enter(State.PENDING)
    return Decision("accepted", command, change.job.id), None


def _lift(change: Change, options: ResumeOptions, asked: Asked, minimum_grace: float) -> Decision:
    """The run is told; it is running once it has said so."""
    if options.from_ not in (None, "last"):
        raise Refusal(
            "conflict",
            "The run is held with everything in its memory and goes on from there; to go on from a "
            "checkpoint, pause it without hold or stop it first.",
            field="from",
            job_status=change.job.status,
        )
    if change.command is not None:
        return Decision("accepted", change.command, change.job.id)
    command = new_command(change, asked, "resume", options)
    command.deadline = expiry(change.job, change.at, None, minimum_grace)
    change.begin(command)
    return Decision("accepted", command, change.job.id)


def _as_new_job(
    change: Change, options: ResumeOptions, asked: Asked, source: Source, passed_over: str | None
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
        best_metric=old.best_metric,
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
    message = f"{job.id} goes on from {source.checkpoint_id}."
    change.end("succeeded", f"{passed_over} {message}" if passed_over else message)
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
