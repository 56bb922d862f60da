"""Pause (suspend): save, leave, free the GPU; resume starts again from there. Never kills."""

from __future__ import annotations

from trainstop.protocol.control import PauseOptions
from trainstop.server.jobs.asked import Asked, Decision, new_command
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.deadlines import grace_seconds, set_deadline
from trainstop.server.jobs.ending import give_way
from trainstop.server.jobs.receipts import skip_the_rest
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL, Answer, State, Trigger


def pause(change: Change, options: PauseOptions, asked: Asked, minimum_grace: float) -> Decision:
    """Raises Refusal where the job is final or being stopped, and for `hold`."""
    if options.hold:
        raise Refusal(
            "not_supported",
            "This server cannot hold a run at a step; leave hold out to save, leave and free the GPU.",
            field="hold",
            job_status=change.job.status,
        )
    outcome = change.outcome(Trigger.PAUSE)
    if outcome is Answer.CONFLICT:
        raise _conflict(change.state)
    if outcome is Answer.NO_OP:
        return Decision("no_op", None, change.job.id)
    if outcome is Answer.JOIN:
        if change.command is None:
            raise RuntimeError(f"job {change.job.id} is pausing without a command")
        return Decision("accepted", change.command, change.job.id)

    command = new_command(change, asked, "pause", options)
    command.hold = False
    give_way(change)
    if outcome is State.PAUSED:
        change.begin(command)
        skip_the_rest(command, change.at, "No process had been started.")
        change.end("succeeded")
        change.enter(State.PAUSED)
        change.attempt.ended_at = change.at
        return Decision("accepted", command, change.job.id)
    set_deadline(
        change, command, grace_seconds(change.job.save_seconds, options.grace_seconds, minimum_grace)
    )
    change.begin(command)
    change.enter(State.PAUSING)
    return Decision("accepted", command, change.job.id)


def _conflict(state: State) -> Refusal:
    why = f"it is {state}" if state in FINAL else "it is being stopped"
    return Refusal("conflict", f"The run cannot be paused: {why}.", field=None, job_status=state)
