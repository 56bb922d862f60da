"""What becomes of a hold, and of the resume that lifts it, once every rank has acknowledged."""

from __future__ import annotations

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.health import moves_again
from trainstop.server.jobs.progress import stand_still
from trainstop.server.jobs.receipts import skip_the_rest
from trainstop.server.jobs.states import State, Trigger

_BY_ITSELF = "The run looked by itself."


def parked(change: Change, at: str) -> None:
    """The run stands still."""
    command, state = change.command, change.outcome(Trigger.PARKED)
    if command is None or not isinstance(state, State):
        return
    skip_the_rest(
        command,
        at,
        {
            "delivered": _BY_ITSELF,
            "checkpoint_saved": "A hold saves nothing: the run keeps everything in its memory.",
            "process_exited": "A hold keeps the process.",
            "resources_released": "A hold keeps the GPU.",
        },
    )
    stand_still(change)
    change.job.held_by = command.id
    change.end("succeeded")
    change.enter(state)


def lifted(change: Change, at: str) -> None:
    """The run goes on. The time for which it stood still says nothing about how fast it is."""
    command, state = change.command, change.outcome(Trigger.LIFTED)
    if command is None or not isinstance(state, State):
        return
    why = "The run goes on from where it stood."
    skip_the_rest(
        command,
        at,
        {"delivered": _BY_ITSELF}
        | dict.fromkeys(("checkpoint_saved", "process_exited", "resources_released"), why),
    )
    stand_still(change)
    moves_again(change, unix_seconds(at))
    change.end("succeeded")
    change.enter(state)
