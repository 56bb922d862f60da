"""What the training process said: `rank-<r>.jsonl`. One function a type of fact."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.best import choose_good_ones, read_best_metric
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.deadlines import wait_is_over
from trainstop.server.jobs.fact_fields import (
    as_count,
    as_epoch,
    as_id,
    as_metric,
    as_save_seconds,
    at_of,
    command_of,
    give_receipt,
    is_timestamp,
)
from trainstop.server.jobs.hold import lifted, parked
from trainstop.server.jobs.progress import advance, read_rows, take_rows
from trainstop.server.jobs.receipts import put_receipt
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.store.records import CheckpointRecord, CommandRecord

MOST_RANKS = 10_000
"""All of them are written anew with each fact that changes one."""

logger = logging.getLogger("trainstop.jobs")


def _attached(change: Change, fact: Fact) -> None:
    _rank(change, fact)
    best = read_best_metric(fact.get("best"))
    if best is not None and best != change.job.best_metric:
        change.job.best_metric = best
        choose_good_ones(change)
    progress = dict(change.job.progress)
    progress["step_total"] = as_count(fact.get("total_steps"))
    progress["epoch_total"] = as_count(fact.get("total_epochs"))
    change.job.progress = progress
    change.dirty()
    command = change.resume_command()
    if command is None:
        return
    resumed_from = fact.get("resumed_from")
    if resumed_from is not None and resumed_from == command.from_:
        changed = put_receipt(
            command, "acknowledged", "done", at_of(change, fact), by="process", detail=f"from {resumed_from}"
        )
    else:
        detail = "The script started from the beginning."
        state = "done" if command.from_ is None else "failed"
        changed = put_receipt(
            command, "acknowledged", state, at_of(change, fact), by="process", detail=detail
        )
    if changed:
        change.touch(command)


def _progress(change: Change, fact: Fact) -> None:
    if _speaks_for_the_run(change, fact):
        step, epoch = as_count(fact.get("step")), as_epoch(fact.get("epoch"))
        advance(change, step, epoch, unix_seconds(at_of(change, fact)))


def _metrics(change: Change, fact: Fact) -> None:
    rows = read_rows(fact["rows"])
    if rows:
        take_rows(change, rows)
    for step, epoch, moment, _ in rows[-1:]:
        if _speaks_for_the_run(change, fact):
            known = change.job.progress["step"]
            if step is None or known is None or step > known:
                advance(change, step, epoch, moment)


def _acknowledged(change: Change, fact: Fact) -> None:
    step = as_count(fact.get("step"))
    command = command_of(change, fact)
    asked = command or CommandRecord.find(change.connection, id=as_id(fact["command_id"]))
    # Who stands still, or goes on from that, has not been told to leave.
    stays = asked is not None and bool(asked.hold or asked.action == "resume")
    what = "parked" if stays else "acknowledged"
    _rank(change, fact)[what] = fact["command_id"]
    still_asked = [
        rank
        for rank in change.attempt.ranks.values()
        if rank["left"] is None and rank.get(what) != fact["command_id"]
    ]
    if still_asked or command is None:
        return
    at = at_of(change, fact)
    detail = None if step is None else f"step {step}"
    give_receipt(change, fact, "acknowledged", "done", by="process", detail=detail)
    if command.action == "cancel":
        if wait_is_over(command, at):
            change.touch(command)
    elif command.hold:
        parked(change, at)
    elif command.action == "resume":
        lifted(change, at)


def _schedule(change: Change, fact: Fact) -> None:
    """What of this script a stop can wait for."""
    save_every, epochs = as_count(fact.get("save_every")), fact.get("epochs") is True
    schedule = {"save_every": save_every, "epochs": epochs}
    if _speaks_for_the_run(change, fact) and schedule != change.job.schedule:
        change.job.schedule = schedule
        change.dirty()


def _saving(change: Change, fact: Fact) -> None:
    """A save began. Its end is what counts."""


def _checkpoint(change: Change, fact: Fact) -> None:
    checkpoint = CheckpointRecord(
        id=as_id(fact["checkpoint_id"]),
        job_id=change.job.id,
        attempt=change.attempt.attempt,
        step=as_count(fact.get("step")),
        epoch=as_epoch(fact.get("epoch")),
        path=str(fact["path"]),
        bytes=as_count(fact["bytes"]) or 0,
        files=as_count(fact["files"]) or 0,
        saved_at=fact["saved_at"] if is_timestamp(fact.get("saved_at")) else at_of(change, fact),
        save_seconds=as_save_seconds(fact["save_seconds"]),
        reason=str(fact["reason"]),
        verified=fact["verified"] is True,
        problem=None if fact.get("problem") is None else str(fact["problem"]),
        metrics={str(name): as_metric(value) for name, value in (fact.get("metrics") or {}).items()},
    )
    job = change.job
    job.save_seconds = max(job.save_seconds or 0.0, checkpoint.save_seconds)
    change.add_checkpoint(checkpoint)
    choose_good_ones(change)
    if checkpoint.verified:
        files = "1 file" if checkpoint.files == 1 else f"{checkpoint.files} files"
        give_receipt(
            change, fact, "checkpoint_saved", "done", by="server", detail=f"{checkpoint.id} verified, {files}"
        )
    else:
        problem = f"{checkpoint.id} did not verify: {checkpoint.problem or 'nobody said why'}"
        give_receipt(change, fact, "checkpoint_saved", "failed", by="server", detail=problem)


def _checkpoint_removed(change: Change, fact: Fact) -> None:
    """Retention took it. What is no longer there must not be offered."""
    checkpoint = CheckpointRecord.find(
        change.connection, job_id=change.job.id, id=as_id(fact["checkpoint_id"])
    )
    if checkpoint is None or checkpoint.removed_at is not None:
        return
    checkpoint.removed_at = at_of(change, fact)
    change.add_checkpoint(checkpoint)
    choose_good_ones(change)


def _checkpoint_failed(change: Change, fact: Fact) -> None:
    give_receipt(
        change,
        fact,
        "checkpoint_saved",
        "failed",
        by="process",
        detail=str(fact.get("error") or "the save failed"),
    )


def _left(change: Change, fact: Fact) -> None:
    _rank(change, fact)["left"] = str(fact["reason"])


def _dropped(change: Change, fact: Fact) -> None:
    logger.warning("job %s: %s rows of metrics could not be written", change.job.id, fact.get("rows"))


def _rank(change: Change, fact: Fact) -> dict[str, Any]:
    """What is noted of the rank that speaks; it may be changed in place."""
    source = str(fact["source"])
    ranks = {name: dict(rank) for name, rank in change.attempt.ranks.items()}
    if source not in ranks and len(ranks) >= MOST_RANKS:
        raise ValueError(f"{source} is one rank more than the {MOST_RANKS} that an attempt has")
    rank = ranks.setdefault(source, {"acknowledged": None, "left": None})
    change.attempt.ranks = ranks
    return rank


def _speaks_for_the_run(change: Change, fact: Fact) -> bool:
    """Every rank counts its steps; the lowest one's are shown."""
    return bool(fact["source"] == min(change.attempt.ranks, default=fact["source"]))


RANK_FACTS: dict[str, Callable[[Change, Fact], None]] = {
    "attached": _attached,
    "progress": _progress,
    "metrics": _metrics,
    "acknowledged": _acknowledged,
    "schedule": _schedule,
    "saving": _saving,
    "checkpoint": _checkpoint,
    "checkpoint_failed": _checkpoint_failed,
    "checkpoint_removed": _checkpoint_removed,
    "left": _left,
    "dropped": _dropped,
}
