"""Cancel: a stop, by asking first or by force."""

from __future__ import annotations

from trainstop.protocol.control import CancelOptions
from trainstop.server.jobs.asked import Asked, Decision, new_command
from trainstop.server.jobs.capabilities import MODES
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.deadlines import grace_seconds, now_or_sooner, set_deadline
from trainstop.server.jobs.ending import end_job, give_way
from trainstop.server.jobs.receipts import put_receipt, skip_the_rest
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import Answer, State, Trigger
from trainstop.server.store.records import CommandRecord

_FORCED = "A forced stop asks nobody and saves nothing."


def cancel(change: Change, options: CancelOptions, asked: Asked, minimum_grace: float) -> Decision:
    """Raises Refusal for a mode that this server does not have."""
    mode = options.mode or "graceful"
    if mode not in MODES:
        raise Refusal(
            "not_supported",
            f"This server cannot wait for the next {mode} before it stops a run; use graceful or force.",
            field="mode",
            job_status=change.job.status,
        )
    outcome = change.outcome(Trigger.CANCEL)
    if outcome is Answer.NO_OP:
        return Decision("no_op", None, change.job.id)
    if outcome is Answer.JOIN:
        return _join(change, mode)

    command = new_command(change, asked, "cancel", options)
    command.mode = mode
    give_way(change)
    if outcome is State.CANCELLED:
        change.begin(command)
        why = "No process was left to stop." if change.job.started_at else "No process had been started."
        skip_the_rest(command, change.at, why)
        change.end("succeeded")
        message = "Stopped while it was paused." if change.job.started_at else "Stopped before it started."
        end_job(change, State.CANCELLED, "cancelled", message)
        return Decision("accepted", command, change.job.id)

    set_deadline(
        change, command, grace_seconds(change.job.save_seconds, options.grace_seconds, minimum_grace)
    )
    change.begin(command)
    change.enter(State.STOPPING)
    if mode == "force":
        _force(change, command)
    return Decision("accepted", command, change.job.id)


def _join(change: Change, mode: str) -> Decision:
    command = change.command
    if command is None:
        raise RuntimeError(f"job {change.job.id} is stopping without a command")
    if mode == "force" and command.mode != "force":
        command.mode = "force"
        _force(change, command)
        change.touch(command)
    return Decision("accepted", command, change.job.id)


def _force(change: Change, command: CommandRecord) -> None:
    """Shorten everything to now; nothing is ever lengthened."""
    command.term_at = now_or_sooner(command.term_at, change.at)
    command.deadline = now_or_sooner(command.deadline, change.at)
    for stage in ("acknowledged", "checkpoint_saved"):
        put_receipt(command, stage, "skipped", change.at, by="server", detail=_FORCED)
