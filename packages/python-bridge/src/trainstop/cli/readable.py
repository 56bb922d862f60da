"""Durations, sizes, moments and numbers as people read them."""

from __future__ import annotations

import time
from typing import Any

from trainstop.rundir.clock import now, unix_seconds


def duration(seconds: float) -> str:
    """Two units at most: `42 s`, `5 min 3 s`, `3 h 12 min`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    for unit, size, smaller, step in (("min", 60, "s", 1), ("h", 3600, "min", 60), ("d", 86_400, "h", 3600)):
        if whole < {"min": 3600, "h": 86_400, "d": float("inf")}[unit]:
            rest = whole % size // step
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    raise AssertionError


def size(count: float) -> str:
    """`512 B`, `1.5 MiB`, `23 GiB`."""
    if count < 1024:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        count /= 1024
        if round(count, 1) < 1024 or unit == "TiB":
            return f"{count:.1f} {unit}" if count < 10 else f"{count:.0f} {unit}"
    raise AssertionError


def moment(text: str) -> str:
    """RFC 3339 in UTC as local time: `2026-11-23 18:09:00`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_seconds(text)))


def clock_time(text: str) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix_seconds(text)))


def age(text: str) -> str:
    """How long ago; a clock that runs ahead elsewhere makes it `0 s`."""
    return duration(now() - unix_seconds(text))


def moment_and_age(text: str) -> str:
    return f"{moment(text)} ({age(text)} ago)"


def number(value: Any) -> str:
    """A metric's value: a number, or the word for one that JSON does not have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def fraction_done(job: dict[str, Any]) -> float | None:
    """0 to 1; None where the script never told how much there is to do."""
    progress = job["progress"]
    for done, total in (("step", "step_total"), ("epoch", "epoch_total")):
        if progress[done] is not None and progress[total]:
            return float(min(1.0, max(0.0, progress[done] / progress[total])))
    return None
