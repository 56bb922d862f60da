"""How long a stop or a pause may take. Absolute once decided."""

from __future__ import annotations

from typing import NamedTuple

from trainstop.protocol.control import CancelOptions
from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.server.store.records import CommandRecord, JobRecord

MINIMUM_GRACE_SECONDS = 60.0
SAVES_PER_GRACE = 3
"""A save may just have begun when the stop comes, the stop's own follows; the third is for a slow disk."""
TERM_SHARE = 0.75
"""Of the grace; the last quarter is for whoever saves on SIGTERM only."""
WAIT_SECONDS = 3600.0
"""How long a stop waits for the next checkpoint, or the end of the epoch, unless it says otherwise."""


class StopTimes(NamedTuple):
    wait_until: str | None
    """None where nothing is waited for."""
    term_at: str
    deadline: str


def grace_seconds(save_seconds: float | None, asked: float | None, minimum: float) -> float:
    """`save_seconds`: the longest save measured on this job. `asked`: the request's own wish."""
    if asked is not None:
        return float(asked)
    return max(minimum, SAVES_PER_GRACE * (save_seconds or 0.0))


def stop_times(job: JobRecord, at: str, options: CancelOptions, mode: str, minimum_grace: float) -> StopTimes:
    """The times of a stop that is asked `at`."""
    grace = grace_seconds(job.save_seconds, options.grace_seconds, minimum_grace)
    begin = unix_seconds(at)
    waits = mode in ("checkpoint", "epoch")
    if waits:
        begin += WAIT_SECONDS if options.wait_seconds is None else options.wait_seconds
    return StopTimes(
        rfc3339(begin) if waits else None, rfc3339(begin + grace * TERM_SHARE), rfc3339(begin + grace)
    )


def expiry(job: JobRecord, at: str, asked: float | None, minimum_grace: float) -> str:
    """When a command that is asked `at` and never kills is given up."""
    return rfc3339(unix_seconds(at) + grace_seconds(job.save_seconds, asked, minimum_grace))


def grace_of(command: CommandRecord) -> float | None:
    """How long it gives the run once it is to leave; None for a command without a deadline."""
    if command.deadline is None:
        return None
    return unix_seconds(command.deadline) - _begin_of(command)


def _begin_of(command: CommandRecord) -> float:
    """When a command's grace begins: a wait ends early where the run has come to its place."""
    if command.wait_until is None:
        return unix_seconds(command.created_at)
    came = [
        each["at"] for each in command.receipts if (each["stage"], each["state"]) == ("acknowledged", "done")
    ]
    return min(unix_seconds(moment) for moment in (command.wait_until, *came))


def wait_is_over(command: CommandRecord, at: str) -> bool:
    """The run has come to the place that a stop waited for: its times follow from that. True when that
    makes them sooner; they never become later."""
    if command.wait_until is None or command.deadline is None:
        return False
    grace = unix_seconds(command.deadline) - unix_seconds(command.wait_until)
    if grace < 0:  # known already
        return False
    before = (command.term_at, command.deadline)
    begin = unix_seconds(at)
    command.term_at = now_or_sooner(command.term_at, rfc3339(begin + grace * TERM_SHARE))
    command.deadline = now_or_sooner(command.deadline, rfc3339(begin + grace))
    return before != (command.term_at, command.deadline)


def now_or_sooner(moment: str | None, at: str) -> str:
    return at if moment is None else min(moment, at, key=unix_seconds)
