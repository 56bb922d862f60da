"""Cancel: a stop, by asking first or by force."""

from __future__ import annotations

from trainstop.protocol.control import CancelOptions
from trainstop.server.jobs.asked import Asked, Decision, new_command
from trainstop.server.jobs.capabilities import why_not_mode
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.deadlines import StopTimes, now_or_sooner, stop_times
from trainstop.server.jobs.ending import end_job, give_way
from trainstop.server.jobs.receipts import put_receipt, skip_the_rest
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import Answer, State, Trigger
from trainstop.server.store.records import CommandRecord

WAITING_MODES = ("checkpoint", "epoch")
URGENCY = {"checkpoint": 0, "epoch": 0, "graceful": 1, "force": 2}
"""The modes. A stop under way may become more urgent, never less."""

_FORCED = "A forced stop asks nobody and saves nothing."


def cancel(change: Change, options: CancelOptions, asked: Asked, minimum_grace: float) -> Decision:
    """Raises Refusal where the run would have to wait for something that it is not known ever to reach."""
    mode: str = options.mode or "graceful"
    outcome = change.outcome(Trigger.CANCEL)
    if outcome is Answer.NO_OP:
        return Decision("no_op", None, change.job.id)
    if outcome is Answer.JOIN:
        return _join(change, options, mode, minimum_grace)
    if outcome is State.STOPPING and mode in WAITING_MODES:
        mode = _mode_that_waits(change, mode)

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

    times = stop_times(change.job, change.at, options, mode, minimum_grace)
    command.wait_until, command.term_at, command.deadline = times
    change.begin(command)
    change.enter(State.STOPPING)
    if mode == "force":
        _force(change, command)
    return Decision("accepted", command, change.job.id)


def _mode_that_waits(change: Change, mode: str) -> str:
    """A process that has not begun, or that stands still, has nowhere to go on to: it is stopped at once."""
    goes_on = change.state in (State.RUNNING, State.PAUSING)
    if not goes_on:
        return "graceful"
    why_not = why_not_mode(change.job, mode)
    if why_not is not None:
        raise Refusal(
            "not_supported",
            f"{why_not} Use graceful or force.",
            field="mode",
            job_status=change.job.status,
        )
    return mode


def _join(change: Change, options: CancelOptions, mode: str, minimum_grace: float) -> Decision:
    """The stop under way, more urgent or sooner if that is what is asked; never less or later."""
    command = change.command
    if command is None:
        raise RuntimeError(f"job {change.job.id} is stopping without a command")
    before = (command.mode, command.wait_until, command.term_at, command.deadline)
    standing = command.mode or "graceful"
    if mode == "force":
        command.mode = "force"
        _force(change, command)
    elif URGENCY[mode] > URGENCY[standing]:
        command.mode = mode
        _hasten(command, stop_times(change.job, change.at, options, mode, minimum_grace))
        command.wait_until = None
    elif mode == standing and mode in WAITING_MODES:
        _hasten(command, stop_times(change.job, change.at, options, mode, minimum_grace))
    if before != (command.mode, command.wait_until, command.term_at, command.deadline):
        change.touch(command)
    return Decision("accepted", command, change.job.id)


def _hasten(command: CommandRecord, times: StopTimes) -> None:
    for name, moment in zip(("wait_until", "term_at", "deadline"), times, strict=True):
        if moment is not None:
            setattr(command, name, now_or_sooner(getattr(command, name), moment))


def _force(change: Change, command: CommandRecord) -> None:
    """Shorten everything to now; nothing is ever lengthened."""
    command.wait_until = None
    command.term_at = now_or_sooner(command.term_at, change.at)
    command.deadline = now_or_sooner(command.deadline, change.at)
    for stage in ("acknowledged", "checkpoint_saved"):
        put_receipt(command, stage, "skipped", change.at, by="server", detail=_FORCED)
