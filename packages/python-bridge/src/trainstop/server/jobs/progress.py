"""How far a run is: what ranks tell, as rows, newest values, rate and time to go."""

from __future__ import annotations

import logging
from typing import Any

from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.fact_fields import as_count, as_epoch, as_metric
from trainstop.server.jobs.health import moved

RATE_WINDOW_SECONDS = 10.0
RATE_LEAST_SECONDS = 0.5
"""A rate over less says more about the flush than about the run."""

MOST_METRICS = 1000
LONGEST_NAME = 200
"""Of a job's metrics: every name is a column as long as the whole curve, and stands in every event, so a
script that makes a new one of each step would fill the memory of server and browsers."""

logger = logging.getLogger("trainstop.jobs")

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
    left_out = False
    for step, epoch, moment, values in rows:
        count = len(columns["step"])
        columns["attempt"].append(change.attempt.attempt)
        columns["step"].append(step)
        columns["epoch"].append(epoch)
        columns["elapsed_seconds"].append(round(max(0.0, moment - begin), 3))
        taken = {name: value for name, value in values.items() if _has_place(name, latest)}
        left_out = left_out or len(taken) < len(values)
        for name in taken.keys() - columns["values"].keys():
            columns["values"][name] = [None] * count
        for name, column in columns["values"].items():
            column.append(taken.get(name))
        for name, value in taken.items():
            latest[name] = {"value": value, "step": step, "at": rfc3339(moment)}
    if left_out:
        logger.warning(
            "job %s: metrics with other names than its first %d, or longer than %d characters, are left out",
            *(change.job.id, MOST_METRICS, LONGEST_NAME),
        )
    change.metric_rows = columns
    change.job.latest_metrics = latest


def _has_place(name: str, latest: dict[str, Any]) -> bool:
    """And takes it; the value follows."""
    if name not in latest and len(latest) < MOST_METRICS and len(name) <= LONGEST_NAME:
        latest[name] = None
    return name in latest


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
