"""Pause: save, leave and free the GPU (suspend), or stand still at a step and keep it (hold). Never kills."""

from __future__ import annotations

from trainstop.protocol.control import PauseOptions
from trainstop.server.jobs.asked import Asked, Decision, new_command
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.deadlines import expiry
from trainstop.server.jobs.ending import give_way
from trainstop.server.jobs.receipts import skip_the_rest
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import FINAL, Answer, State, Trigger

_NOTHING_TO_HOLD = "No process had been started, so none is held: the job waits until it is resumed."


def pause(change: Change, options: PauseOptions, asked: Asked, minimum_grace: float) -> Decision:
    """Raises Refusal where the job is final or being stopped."""
    hold = options.hold is True
    outcome = change.outcome(Trigger.HOLD if hold else Trigger.PAUSE)
    if outcome is Answer.CONFLICT:
        raise _conflict(change.state)
    if outcome is Answer.NO_OP:
        return Decision("no_op", None, change.job.id)
    if outcome is Answer.JOIN:
        if change.command is None:
            raise RuntimeError(f"job {change.job.id} is pausing without a command")
        return Decision("accepted", change.command, change.job.id)

    command = new_command(change, asked, "pause", options)
    command.hold = hold
    give_way(change)
    if outcome is State.PAUSED:
        change.begin(command)
        skip_the_rest(command, change.at, "No process had been started.")
        change.end("succeeded", _NOTHING_TO_HOLD if hold else None)
        change.enter(State.PAUSED)
        change.attempt.ended_at = change.at
        return Decision("accepted", command, change.job.id)
    if not isinstance(outcome, State):
        raise RuntimeError(f"job {change.job.id}: a pause came to {outcome}")
    command.deadline = expiry(change.job, change.at, options.grace_seconds, minimum_grace)
    change.begin(command)
    change.enter(outcome)
    return Decision("accepted", command, change.job.id)


def _conflict(state: State) -> Refusal:
    why = f"it is {state}" if state in FINAL else "it is being stopped"
    return Refusal("conflict", f"The run cannot be paused: {why}.", field=None, job_status=state)
