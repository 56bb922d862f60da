"""Why a pending job is not started yet, told on the job itself."""

from __future__ import annotations

from typing import Any

from trainstop.server.jobs.change import Change, Transaction
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.jobs.states import State
from trainstop.server.jobs.supervised_job import SupervisedJob

TOLD_AT_ONCE = 50
"""Jobs in one transaction: a thousand that wait keep no other write waiting for long."""


def waiting_for_disk(why: str) -> dict[str, Any]:
    return {"code": "waiting_for_disk", "message": why}


def waiting_for_place(max_running_jobs: int) -> dict[str, Any]:
    jobs = "1 job" if max_running_jobs == 1 else f"{max_running_jobs} jobs"
    return {
        "code": "waiting_for_place",
        "message": f"It waits for its turn: this server runs {jobs} at once (server.max_running_jobs), and "
        "so many run or came before it. It starts by itself when one ends.",
    }


def tell_waiting(transaction: Transaction, job: SupervisedJob) -> bool:
    """Note on the job what it waits for, if it still does. True when that was news."""
    try:
        change = Change.open(transaction, job.job_id)
    except Refusal:  # removed meanwhile
        return False
    if change.job.attempt != job.attempt or change.state is not State.PENDING:
        return False
    if change.job.waits_for == job.waits_for:
        return False
    change.job.waits_for = job.waits_for
    change.dirty()
    change.finish()
    return True
