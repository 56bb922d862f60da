"""What the training process said: `rank-<r>.jsonl`. One function a type of fact."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.fact_fields import (
    as_count,
    as_epoch,
    as_id,
    as_metric,
    at_of,
    give_receipt,
    is_timestamp,
)
from trainstop.server.jobs.progress import advance, read_rows, take_rows
from trainstop.server.jobs.receipts import put_receipt
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.store import tables
from trainstop.server.store.records import CheckpointRecord

logger = logging.getLogger("trainstop.jobs")


def _attached(change: Change, fact: Fact) -> None:
    _rank(change, fact)
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
    _rank(change, fact)["acknowledged"] = fact["command_id"]
    still_asked = [
        rank
        for rank in change.attempt.ranks.values()
        if rank["left"] is None and rank["acknowledged"] != fact["command_id"]
    ]
    if not still_asked:
        detail = None if step is None else f"step {step}"
        give_receipt(change, fact, "acknowledged", "done", by="process", detail=detail)


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
        save_seconds=max(0.0, float(fact["save_seconds"])),
        reason=str(fact["reason"]),
        verified=fact["verified"] is True,
        problem=None if fact.get("problem") is None else str(fact["problem"]),
        metrics={str(name): as_metric(value) for name, value in (fact.get("metrics") or {}).items()},
    )
    job = change.job
    job.save_seconds = max(job.save_seconds or 0.0, checkpoint.save_seconds)
    change.add_checkpoint(checkpoint)
    if checkpoint.verified and _is_newest(change, checkpoint):
        job.last_checkpoint_id = checkpoint.id
    if checkpoint.verified:
        files = "1 file" if checkpoint.files == 1 else f"{checkpoint.files} files"
        give_receipt(
            change, fact, "checkpoint_saved", "done", by="server", detail=f"{checkpoint.id} verified, {files}"
        )
    else:
        problem = f"{checkpoint.id} did not verify: {checkpoint.problem or 'nobody said why'}"
        give_receipt(change, fact, "checkpoint_saved", "failed", by="server", detail=problem)


def _is_newest(change: Change, checkpoint: CheckpointRecord) -> bool:
    last_id = change.job.last_checkpoint_id
    if last_id is None or last_id == checkpoint.id:
        return True
    last = CheckpointRecord.find(change.connection, job_id=change.job.id, id=last_id)
    if last is None:
        return True
    return bool((checkpoint.step or 0, checkpoint.saved_at) >= (last.step or 0, last.saved_at))


def _newest_good(change: Change) -> str | None:
    table = tables.checkpoints
    query = (
        select(table.c.id)
        .where(table.c.job_id == change.job.id, table.c.verified, table.c.removed_at.is_(None))
        .order_by(table.c.step.desc(), table.c.saved_at.desc())
        .limit(1)
    )
    return change.connection.execute(query).scalar()


def _checkpoint_removed(change: Change, fact: Fact) -> None:
    """Retention took it. What is no longer there must not be offered."""
    checkpoint = CheckpointRecord.find(
        change.connection, job_id=change.job.id, id=as_id(fact["checkpoint_id"])
    )
    if checkpoint is None or checkpoint.removed_at is not None:
        return
    checkpoint.removed_at = at_of(change, fact)
    change.add_checkpoint(checkpoint)
    if change.job.last_checkpoint_id == checkpoint.id:
        change.job.last_checkpoint_id = _newest_good(change)
        change.dirty()


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
    "saving": _saving,
    "checkpoint": _checkpoint,
    "checkpoint_failed": _checkpoint_failed,
    "checkpoint_removed": _checkpoint_removed,
    "left": _left,
    "dropped": _dropped,
}
