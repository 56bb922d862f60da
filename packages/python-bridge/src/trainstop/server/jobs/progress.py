"""How far a run is: what ranks tell, as rows, newest values, rate and time to go."""

from __future__ import annotations

from typing import Any

from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.fact_fields import as_count, as_epoch, as_metric
from trainstop.server.jobs.health import moved

RATE_WINDOW_SECONDS = 10.0
RATE_LEAST_SECONDS = 0.5
"""A rate over less says more about the flush than about the run."""

Row = tuple[int | None, float | None, float, dict[str, Any]]


def no_progress() -> dict[str, Any]:
    return dict.fromkeys(
        ("epoch", "epoch_total", "step", "step_total", "started_at", "steps_per_second", "eta_seconds")
    )


def advance(change: Change, step: int | None, epoch: float | None, moment: float) -> None:
    """The run is at this step and epoch; what it does not tell stays as it was."""
    progress = dict(change.job.progress)
    if epoch is not None:
        progress["epoch"] = epoch
    if step is not None:
        progress["step"] = step
        moved(change, step, moment)
        _measure_rate(change, progress, step, moment)
    if progress != change.job.progress:
        change.job.progress = progress
        change.progressed = True


def stand_still(change: Change) -> None:
    """No process: no rate, nothing to wait for."""
    change.job.progress = {**change.job.progress, "steps_per_second": None, "eta_seconds": None}
    change.attempt.rate_samples = []
    change.dirty()


def take_rows(change: Change, rows: list[Row]) -> None:
    """Add metric rows to this change's batch, and what is newest to the job."""
    columns = change.metric_rows or {
        "attempt": [],
        "step": [],
        "epoch": [],
        "elapsed_seconds": [],
        "values": {},
    }
    latest = dict(change.job.latest_metrics)
    begin = unix_seconds(change.attempt.started_at or change.attempt.created_at)
    for step, epoch, moment, values in rows:
        count = len(columns["step"])
        columns["attempt"].append(change.attempt.attempt)
        columns["step"].append(step)
        columns["epoch"].append(epoch)
        columns["elapsed_seconds"].append(round(max(0.0, moment - begin), 3))
        for name in values.keys() - columns["values"].keys():
            columns["values"][name] = [None] * count
        for name, column in columns["values"].items():
            column.append(values.get(name))
        for name, value in values.items():
            latest[name] = {"value": value, "step": step, "at": rfc3339(moment)}
    change.metric_rows = columns
    change.job.latest_metrics = latest


def read_rows(rows: Any) -> list[Row]:
    """Rows of a `metrics` fact, checked. Raises ValueError or TypeError for one that could not travel."""
    return [
        (as_count(step), as_epoch(epoch), _as_moment(moment), _as_values(values))
        for step, epoch, moment, values in rows
    ]


def _as_moment(value: Any) -> float:
    moment = float(value)
    if not 0 <= moment < 1e11:
        raise ValueError(f"{value!r:.80} is no time")
    return moment


def _as_values(values: Any) -> dict[str, Any]:
    return {str(name): as_metric(value) for name, value in values.items()}


def _measure_rate(change: Change, progress: dict[str, Any], step: int, moment: float) -> None:
    samples = [
        sample
        for sample in change.attempt.rate_samples
        if moment - RATE_WINDOW_SECONDS <= sample[0] <= moment and sample[1] <= step
    ]
    if samples and moment - samples[0][0] >= RATE_LEAST_SECONDS:
        rate = (step - samples[0][1]) / (moment - samples[0][0])
        progress["steps_per_second"] = round(rate, 4)
        total = progress["step_total"]
        left = None if total is None else max(0, total - step)
        progress["eta_seconds"] = round(left / rate, 1) if left is not None and rate > 0 else None
    if not samples or moment - samples[-1][0] >= RATE_LEAST_SECONDS:
        samples.append([moment, step])
    change.attempt.rate_samples = samples
