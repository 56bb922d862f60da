"""How things end: a command, an attempt, a job. Each exactly once."""

from __future__ import annotations

from dataclasses import dataclass

from trainstop.server.jobs.change import Change
from trainstop.server.jobs.progress import stand_still
from trainstop.server.jobs.receipts import put_receipt, receipt_of, skip_the_rest
from trainstop.server.jobs.states import FINAL, State, Trigger
from trainstop.server.store.records import CommandRecord


@dataclass(frozen=True, slots=True)
class Exit:
    """How an attempt's main process ended, as far as anyone saw."""

    exit_code: int | None = None
    signal: str | None = None
    """Name of the signal, e.g. `SIGKILL`."""
    error: str | None = None
    """Why nothing could be started."""
    tree_gone_at: str | None = None
    seen: bool = True
    """False: no process is left, and nobody was there when it went."""


def give_way(change: Change) -> None:
    """See to the receipts of the command under way, before a later one takes its place."""
    if change.command is not None:
        skip_the_rest(change.command, change.at, "A later command took its place.")


def end_attempt(change: Change, exit_: Exit) -> None:
    """The attempt's process tree is gone: decide once what that makes of command and job."""
    trigger = _trigger(change, exit_)
    outcome = change.outcome(trigger)
    change.attempt.ended_at = change.attempt.ended_at or change.at
    if not isinstance(outcome, State) or outcome is change.state:
        return
    cause, message = _cause(change, exit_, trigger, outcome)
    change.job.health = "ok"
    stand_still(change)
    if change.command is not None:
        _close_receipts(change, change.command, exit_, trigger)
        _end_command(change, outcome, message)
    if outcome in FINAL:
        end_job(change, outcome, cause, message, exit_)
    else:
        change.enter(outcome)
    _close_late_receipts(change)


def end_job(change: Change, state: State, cause: str, message: str, exit_: Exit | None = None) -> None:
    """Make a job final."""
    change.enter(state)
    change.attempt.ended_at = change.attempt.ended_at or change.at
    change.job.ended_at = change.at
    change.job.end = {
        "cause": cause,
        "exit_code": None if exit_ is None else exit_.exit_code,
        "signal": None if exit_ is None else exit_.signal,
        "message": message,
    }


def _trigger(change: Change, exit_: Exit) -> Trigger:
    attempt = change.attempt
    if not exit_.seen:
        return Trigger.LEFT_TO_PAUSE if _has_paused(change) else Trigger.LOST
    if exit_.error is not None or (exit_.exit_code is None and exit_.signal is None):
        return Trigger.NOT_STARTED
    if exit_.exit_code != 0:
        return Trigger.BROKE
    first_rank = min(attempt.ranks, default=None)
    if first_rank is not None and attempt.ranks[first_rank].get("left") == "pause":
        return Trigger.LEFT_TO_PAUSE
    acknowledged = any(rank.get("acknowledged") for rank in attempt.ranks.values())
    made_to = acknowledged or "term" in attempt.signals or "kill" in attempt.signals
    return Trigger.OBEYED if made_to else Trigger.FINISHED


def _has_paused(change: Change) -> bool:
    """Whether all that the pause under way asks of the run has happened, by what the run said and the disk
    holds."""
    command, ranks = change.command, change.attempt.ranks.values()
    if command is None or command.action != "pause" or command.hold or not ranks:
        return False
    if change.attempt.exit is not None and change.attempt.exit["exit_code"] != 0:
        return False  # its shim had still seen that
    stages = ("acknowledged", "checkpoint_saved")
    done = all(receipt_of(command, stage) == "done" for stage in stages)
    return done and all(rank.get("left") == "pause" for rank in ranks)


def _cause(change: Change, exit_: Exit, trigger: Trigger, outcome: State) -> tuple[str, str]:
    """The wire's `end.cause`, and a sentence for a person."""
    if outcome is State.COMPLETED:
        return "completed", "The run finished by itself."
    if outcome is State.CANCELLED:
        return "cancelled", _how_it_stopped(change, exit_, trigger)
    if trigger is Trigger.NOT_STARTED:
        why = (exit_.error or "nobody said why").rstrip(".")
        return "start_failed", f"The run could not be started: {why}."
    if trigger is Trigger.LOST:
        return (
            "interrupted",
            "Nobody was there to see the run end (the machine restarted, or its supervisor was killed), so "
            "how it ended is not known.",
        )
    if exit_.signal is not None:
        return "killed", f"The training process was killed by {exit_.signal}; nobody asked for it here."
    return (
        "crashed",
        f"The training process ended with exit code {exit_.exit_code}; the end of its log may say why.",
    )


_NEVER_LISTENED = "it never came to trainstop.run, so what it saved by itself is not known here."


def _how_it_stopped(change: Change, exit_: Exit, trigger: Trigger) -> str:
    command = change.command
    saved = None if command is None else receipt_of(command, "checkpoint_saved")
    sentence = "Stopped as asked; no checkpoint was saved for the stop."
    if trigger is Trigger.NOT_STARTED:
        sentence = "Stopped before it started."
    elif saved == "done":
        sentence = "Stopped as asked, with a verified checkpoint."
    elif saved == "failed":
        sentence = "Stopped as asked, but the checkpoint of the stop was not saved."
    elif trigger is Trigger.LOST:
        sentence = "Stopped; nobody was there to see how its process ended."
    elif command is not None and command.mode == "force":
        sentence = f"Stopped by force; {_what_is_lost(change)}"
    elif not change.attempt.ranks and "term" in change.attempt.signals:
        how = "Killed at the deadline" if "kill" in change.attempt.signals else "Stopped by SIGTERM, as asked"
        sentence = f"{how}; {_NEVER_LISTENED}"
    elif exit_.signal is not None:
        sentence = f"Stopped by {exit_.signal}; {_what_is_lost(change)}"
    return sentence


def _what_is_lost(change: Change) -> str:
    if change.job.last_checkpoint_id is not None or change.job.resumed_from is not None:
        return "what came after the last checkpoint is lost."
    return "no checkpoint of it is known."


def _close_receipts(change: Change, command: CommandRecord, exit_: Exit, trigger: Trigger) -> None:
    if trigger is Trigger.NOT_STARTED:
        skip_the_rest(command, change.at, "No process was started.")
        return
    if not exit_.seen:
        detail = "No process of it is left; nobody saw how it ended."
        put_receipt(command, "process_exited", "done", change.at, by="server", detail=detail)
    else:
        put_receipt(command, "process_exited", "done", exit_.tree_gone_at or change.at, by="shim")
    detail = "No driver was asked."
    put_receipt(command, "resources_released", "not_measured", change.at, by="server", detail=detail)
    skip_the_rest(
        command,
        exit_.tree_gone_at or change.at,  # what was not reached by then never will be
        {
            "delivered": "The process ended before the command reached it.",
            "acknowledged": "The process ended without acknowledging.",
            "checkpoint_saved": "Nothing was saved for this command."
            if change.attempt.ranks
            else f"Nothing was told: {_NEVER_LISTENED}",
        },
    )


def _end_command(change: Change, outcome: State, message: str) -> None:
    command = change.command
    if command is None:
        return
    if command.action == "cancel":
        if outcome is State.CANCELLED:
            change.end("succeeded")
        else:
            change.end("failed", "The run finished by itself before it heard the stop.")
    elif command.action == "pause":
        if outcome is State.PAUSED:
            saved = receipt_of(command, "checkpoint_saved") == "done"
            change.end("succeeded", None if saved else "It paused, but nothing was saved for this pause.")
        elif outcome is State.COMPLETED:
            change.end("failed", "The run finished by itself before it paused.")
        else:
            change.end("failed", f"The run ended before it paused. {message}")
    elif outcome is State.FAILED:
        change.end("failed", message)
    else:
        change.end("succeeded")


def _close_late_receipts(change: Change) -> None:
    """A resume has ended when the process ran; whether it took the checkpoint may never have been told."""
    command = change.resume_command()
    if command is not None and receipt_of(command, "acknowledged") is None:
        skip_the_rest(command, change.at, "The script never said where it started.")
        change.touch(command)


def ended_without_exit_record(change: Change) -> Exit:
    """What the journals told before the shim went, taken for the exit record that it did not write."""
    attempt = change.attempt
    if attempt.exit is None or attempt.tree_gone_at is None:
        return Exit(seen=False)
    return Exit(attempt.exit["exit_code"], attempt.exit["signal"], None, attempt.tree_gone_at)
