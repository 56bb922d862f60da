"""Wall-clock time as the protocol writes it."""

from __future__ import annotations

import time


def now() -> float:
    """Unix seconds."""
    return time.time()


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds, e.g. 2026-11-23T18:09:00.123Z."""
    milliseconds = round(seconds * 1000)
    moment = time.gmtime(milliseconds // 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", moment) + f".{milliseconds % 1000:03d}Z"


def unix_seconds(moment: str) -> float:
    """The inverse of `rfc3339`; takes any number of decimals, or none."""
    import calendar  # only readers of journals need it

    whole, _, fraction = moment.removesuffix("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds + (float(f"0.{fraction}") if fraction else 0.0)
