"""The clock: deadlines and the order of checkpoints are told by it."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable

from trainstop.cli.doctor_checks.finding import Finding, ok, warning

_UNSYNCHRONISED = 0x40
_ERROR = 5
LOOK_SECONDS = 0.2
JUMP_SECONDS = 0.05
EARLIEST = 1_735_689_600.0
"""2025: a clock before this was never set."""


def clock(
    state: Callable[[], tuple[int, int]] | None = None,
    wall: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Finding:
    """`state`: adjtimex's (return, status). Looks for LOOK_SECONDS whether the clock runs evenly."""
    began, since = wall(), steady()
    if began < EARLIEST:
        return warning(
            "clock", "The clock was never set.", "Times and ages will be wrong; set it, or let chrony do so."
        )
    sleep(LOOK_SECONDS)
    drift = abs((wall() - began) - (steady() - since))
    if drift > JUMP_SECONDS:
        return warning(
            "clock",
            f"The clock jumped by {drift:.2f} s while it was looked at.",
            "Deadlines of stops are absolute: they come early or late by as much. Let chrony or ntpd slew "
            "it.",
        )
    try:
        result, status = (state or _adjtimex)()
    except (OSError, AttributeError):
        return warning("clock", "Whether the clock is synchronised can't be asked here.", _HARMLESS)
    if result == _ERROR or status & _UNSYNCHRONISED:
        return warning("clock", "Nothing keeps the clock synchronised.", _HARMLESS)
    return ok("clock", "The clock is kept synchronised and runs evenly.")


_HARMLESS = "With one machine that is no harm; with several on one store, their times would differ."


def _adjtimex() -> tuple[int, int]:
    """Reads only."""
    buffer = (ctypes.c_long * 64)()  # struct timex is 208 bytes, all zero: nothing is set
    result = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    if result < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    return result, ctypes.cast(
        ctypes.addressof(buffer) + 5 * ctypes.sizeof(ctypes.c_long), ctypes.POINTER(ctypes.c_int)
    )[0]
