"""A clock that nobody sets: deadlines are kept on it once they were read."""

from __future__ import annotations

import time


def steady_now() -> float:
    """Seconds since boot. Counts the time a machine was suspended, where the system can (Linux)."""
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
