"""Whether a run moves: how long a step of it usually takes, and whether one takes far too long."""

from __future__ import annotations

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.store.records import Json

STILL_SECONDS = 120.0
"""A run whose step stands still for less is never called unresponsive: an evaluation, a slow save."""
STILL_STEPS = 20
"""Nor one that stands still for less than so many of its usual steps."""

_WEIGHT = 0.2  # of the newest measurement


def moved(change: Change, step: int, moment: float) -> None:
    """The run is at this step, as it said at `moment` (Unix seconds)."""
    moment = min(moment, unix_seconds(change.at))  # what a wrong clock dates later happened now
    pace = change.attempt.pace
    if pace is not None and step == pace["step"]:
        return
    if pace is None:
        # All until its first step, with whatever came before it: better too long than too short.
        usual = max(0.0, moment - unix_seconds(change.attempt.started_at or change.attempt.created_at))
    else:
        taken = max(0.0, moment - pace["moved_at"]) / max(1, step - pace["step"])
        usual = (1 - _WEIGHT) * pace["step_seconds"] + _WEIGHT * taken
    change.attempt.pace = {"step": step, "moved_at": moment, "step_seconds": usual}
    if change.job.health == "unresponsive":
        change.job.health = "ok"
        change.dirty()


def moves_again(change: Change, moment: float) -> None:
    """From here on its time counts: it was held until now."""
    if change.attempt.pace is not None:
        change.attempt.pace = {**change.attempt.pace, "moved_at": moment}


def unresponsive_at(status: str, health: str, pace: Json | None) -> float | None:
    """When a run that does not move until then is unresponsive, in Unix seconds; None: never as things are.

    Only a run that has told of a step can be: what never did may just not report any.
    """
    if status != "running" or health != "ok" or pace is None:
        return None
    return float(pace["moved_at"] + max(STILL_SECONDS, STILL_STEPS * pace["step_seconds"]))
