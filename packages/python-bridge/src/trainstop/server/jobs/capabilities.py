"""What can be done with a job right now, and if something can't, why."""

from __future__ import annotations

from typing import Any

from trainstop.server.jobs.states import FINAL, TRANSITIONS, Answer, State, Trigger
from trainstop.server.store.records import CommandRecord, JobRecord

MODES = ("graceful", "force")


def capabilities(job: JobRecord, command: CommandRecord | None) -> dict[str, Any]:
    """The wire's `capabilities`. `command`: the one under way."""
    state = State(job.status)
    return {
        "cancel": _capability(_why_no_cancel(state)),
        "force": _capability(_why_no_force(state, command)),
        "pause": _capability(_why_no_pause(state)),
        "resume": _capability(_why_no_resume(job, state)),
        "modes": list(MODES),
    }


def may_resume_without_checkpoint(job: JobRecord) -> bool:
    """A job that never ran loses nothing by starting from the beginning."""
    return job.started_at is None and job.status == State.PAUSED


def _capability(why_not: str | None) -> dict[str, Any]:
    return {"allowed": why_not is None, "reason": why_not}


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


def _why_no_pause(state: State) -> str | None:
    if isinstance(TRANSITIONS[state][Trigger.PAUSE], State):
        return None
    if state in FINAL:
        return f"The run is over: it is {state}."
    return {
        State.PAUSING: "It is being paused already.",
        State.PAUSED: "It is paused already.",
        State.STOPPING: "It is being stopped.",
    }[state]


def _why_no_resume(job: JobRecord, state: State) -> str | None:
    if TRANSITIONS[state][Trigger.RESUME] is Answer.CONFLICT:
        if state is State.COMPLETED:
            return "The run has completed; there is nothing left to go on with."
        return f"Only a run that was paused or stopped, or that failed, can be resumed; this one is {state}."
    if job.last_checkpoint_id or job.resumed_from or may_resume_without_checkpoint(job):
        return None
    return "It has no verified checkpoint to go on from."
