"""How long a stop or a pause may take. Absolute once decided."""

from __future__ import annotations

from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.store.records import CommandRecord

MINIMUM_GRACE_SECONDS = 60.0
SAVES_PER_GRACE = 3
"""A save may just have begun when the stop comes, the stop's own follows; the third is for a slow disk."""
TERM_SHARE = 0.75
"""Of the grace; the last quarter is for whoever saves on SIGTERM only."""


def grace_seconds(save_seconds: float | None, asked: float | None, minimum: float) -> float:
    """`save_seconds`: the longest save measured on this job. `asked`: the request's own wish."""
    if asked is not None:
        return float(asked)
    return max(minimum, SAVES_PER_GRACE * (save_seconds or 0.0))


def set_deadline(change: Change, command: CommandRecord, grace: float) -> None:
    begin = unix_seconds(command.created_at)
    command.deadline = rfc3339(begin + grace)
    if command.action == "cancel":
        command.term_at = rfc3339(begin + grace * TERM_SHARE)


def now_or_sooner(moment: str | None, at: str) -> str:
    return at if moment is None else min(moment, at, key=unix_seconds)
