"""What can be done with a job right now, and if something can't, why."""

from __future__ import annotations

from typing import Any

from trainstop.server.jobs.states import FINAL, STANDING_STILL, TRANSITIONS, Answer, State, Trigger, state_of
from trainstop.server.store.records import CommandRecord, JobRecord

MODES = ("graceful", "checkpoint", "epoch", "force")


def capabilities(job: JobRecord, command: CommandRecord | None) -> dict[str, Any]:
    """The wire's `capabilities`. `command`: the one under way."""
    state = state_of(
        status=job.status,
        held=job.held_by is not None,
        claimed=False,  # what is allowed is the same before and after
        action=None if command is None else command.action,
        hold=None if command is None else command.hold,
    )
    waiting = {mode: _why_no_wait(job, state, command, mode) for mode in ("checkpoint", "epoch")}
    return {
        "cancel": _capability(_why_no_cancel(state)),
        "force": _capability(_why_no_force(state, command)),
        "pause": _capability(_why_no_pause(state, Trigger.PAUSE)),
        "hold": _capability(_why_no_pause(state, Trigger.HOLD)),
        "resume": _capability(_why_no_resume(job, state)),
        "modes": [mode for mode in MODES if waiting.get(mode) is None],
        **{mode: _capability(why_not) for mode, why_not in waiting.items()},
    }


def why_not_mode(job: JobRecord, mode: str) -> str | None:
    """Why nobody knows that this run will come to where a stop of mode `checkpoint` or `epoch` waits."""
    schedule = job.schedule or {}
    if mode == "checkpoint":
        if schedule.get("save_every") or job.last_checkpoint_id is not None:
            return None
        return "The run has saved nothing yet and has not said that it saves on a schedule."
    if schedule.get("epochs"):
        return None
    return "The run has not told of the end of an epoch yet (run.end_epoch), so nobody knows when one ends."


def may_resume_without_checkpoint(job: JobRecord) -> bool:
    """A job that never ran loses nothing by starting from the beginning."""
    return job.started_at is None and job.status == State.PAUSED


def _capability(why_not: str | None) -> dict[str, Any]:
    return {"allowed": why_not is None, "reason": why_not}


def _why_no_wait(job: JobRecord, state: State, command: CommandRecord | None, mode: str) -> str | None:
    if state in FINAL:
        return f"The run is over: it is {state}."
    if state is State.STOPPING:
        under_way = None if command is None else command.mode
        return None if under_way == mode else "A stop is under way."
    if state not in (State.RUNNING, State.PAUSING):
        return "The run does not go on now, so a stop has nothing to wait for."
    return why_not_mode(job, mode)


def _why_no_cancel(state: State) -> str | None:
    if state in FINAL:
        return f"The run is over: it is {state}."
    return "A stop is under way." if state is State.STOPPING else None


def _why_no_force(state: State, command: CommandRecord | None) -> str | None:
    if state in FINAL:
        return f"The run is over: it is {state}."
    if state is State.STOPPING and command is not None and command.mode == "force":
        return "It is being stopped by force already."
    return None


def _why_no_pause(state: State, trigger: Trigger) -> str | None:
    if isinstance(TRANSITIONS[state][trigger], State):
        return None
    if state in FINAL:
        return f"The run is over: it is {state}."
    return {
        State.PAUSING: "It is being paused already.",
        State.HOLDING: "It is being paused already.",
        State.PAUSED: "It is paused already.",
        State.HELD: "It is held already.",
        State.STOPPING: "It is being stopped.",
    }[state]


def _why_no_resume(job: JobRecord, state: State) -> str | None:
    if state is State.LIFTING:
        return "It is being resumed already."
    if TRANSITIONS[state][Trigger.RESUME] is Answer.CONFLICT:
        if state is State.COMPLETED:
            return "The run has completed; there is nothing left to go on with."
        return f"Only a run that was paused or stopped, or that failed, can be resumed; it is {job.status}."
    if state in STANDING_STILL:
        return None
    if job.last_checkpoint_id or job.resumed_from or may_resume_without_checkpoint(job):
        return None
    return "It has no verified checkpoint to go on from."
