"""What a person should know of a job before they need it."""

from __future__ import annotations

from typing import Any

from trainstop.server.jobs.deadlines import TERM_SHARE, grace_of
from trainstop.server.jobs.launchers import KILL_SECONDS
from trainstop.server.jobs.receipts import receipt_of
from trainstop.server.jobs.states import FINAL, State
from trainstop.server.store.records import CommandRecord, JobRecord


def warnings(job: JobRecord, command: CommandRecord | None) -> list[dict[str, Any]]:
    """The wire's `warnings`: why it is not started yet, and where the longest save measured does not fit the
    time that it has. `command`: the one under way."""
    return [*([job.waits_for] if job.waits_for is not None else []), *_too_little_time(job, command)]


def _too_little_time(job: JobRecord, command: CommandRecord | None) -> list[dict[str, Any]]:
    save = job.save_seconds
    if not save or State(job.status) in FINAL:
        return []
    took = f"A save of this run has taken {_seconds(save)}"
    found = []
    if command is not None and _is_to_save(command):
        too_short = _too_short_a_pause(command, save) or _too_short_a_stop(command, save)
        if too_short is not None:
            found.append({"code": "grace_too_short", "message": f"{took}, but {too_short}"})
    for launcher in job.launchers or ():
        limit = KILL_SECONDS.get(launcher)
        if limit is not None and save > limit:
            but = f"{launcher} kills its processes {_seconds(limit)} after a SIGTERM of its own"
            instead = "Stop it here, where it saves before anything is killed, or raise that time."
            found.append({"code": "launcher_grace_too_short", "message": f"{took}, but {but}. {instead}"})
    return found


def _is_to_save(command: CommandRecord) -> bool:
    leaves = command.action == "cancel" or (command.action == "pause" and not command.hold)
    return leaves and command.mode != "force" and receipt_of(command, "checkpoint_saved") != "done"


def _too_short_a_pause(command: CommandRecord, save: float) -> str | None:
    grace = grace_of(command)
    if command.action != "pause" or grace is None or save <= grace:
        return None
    return f"this pause expires after {_seconds(grace)}: it may go on instead."


def _too_short_a_stop(command: CommandRecord, save: float) -> str | None:
    grace = grace_of(command)
    if command.action != "cancel" or grace is None:
        return None
    if save > grace:
        return f"this stop kills it after {_seconds(grace)}: what it saves may be lost."
    until_term = grace * TERM_SHARE  # of one that listens, as whoever has measured a save does
    if save > until_term:
        return (
            f"this stop sends it SIGTERM after {_seconds(until_term)}: what in it ends by itself on SIGTERM "
            "may not finish the save."
        )
    return None


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 1000 else f"{seconds:.0f} s"
