"""The time that ages are measured by: a clock that jumps ahead must not make everything old at once."""

from __future__ import annotations

import time
from collections.abc import Callable

from trainstop.rundir.clock import now

TOLERANCE = 1.01
"""Clocks are slewed while they are set right."""


def since_boot() -> float:
    """Counts the time in which a machine was suspended, too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class BelievedClock:
    """Goes as the wall clock, but never faster than time passes. Behind it after a jump ahead, so that things
    are kept too long; with it after a jump back."""

    def __init__(self, wall: Callable[[], float] = now, steady: Callable[[], float] = since_boot) -> None:
        self._wall = wall
        self._steady = steady
        self._believed = wall()
        self._seen = steady()

    def __call__(self) -> float:
        steady = self._steady()
        self._believed = min(self._wall(), self._believed + (steady - self._seen) * TOLERANCE)
        self._seen = steady
        return self._believed
