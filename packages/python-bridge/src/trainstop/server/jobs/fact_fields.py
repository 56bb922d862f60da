"""The fields of facts, checked: whatever a journal holds, only what can travel gets further."""

from __future__ import annotations

import math
import re
import signal
from typing import Any, TypeGuard

from trainstop.protocol.primitives import MAX_SAFE_INTEGER
from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.change import Change
from trainstop.server.jobs.receipts import put_receipt
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.store.records import CommandRecord

TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
LONGEST_SAVE_SECONDS = 86_400.0
"""What a run can say that a save took: graces follow from it, and none may be without end."""


def is_timestamp(value: Any) -> TypeGuard[str]:
    """Whether it is one, and of a moment that exists: whoever reckons with it later must not fail."""
    if not isinstance(value, str) or TIMESTAMP.fullmatch(value) is None:
        return False
    try:
        unix_seconds(value)
    except ValueError:
        return False
    return True


def at_of(change: Change, fact: Fact) -> str:
    at = fact.get("at")
    return at if is_timestamp(at) else change.at


def command_of(change: Change, fact: Fact) -> CommandRecord | None:
    """The command under way, when the fact is about it. What concerns an ended command is history."""
    command = change.command
    return command if command is not None and fact.get("command_id") == command.id else None


def give_receipt(change: Change, fact: Fact, stage: str, state: str, *, by: str, detail: str | None) -> None:
    command = command_of(change, fact)
    if command is not None and put_receipt(command, stage, state, at_of(change, fact), by=by, detail=detail):
        change.touch(command)


def as_code(value: Any) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SAFE_INTEGER
    return value if known else None


def as_id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ValueError(f"{value!r:.80} is no id")
    return value


def signal_name(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        return signal.Signals(int(value)).name
    except ValueError:
        return str(value) if isinstance(value, str) else f"signal {value}"


def as_count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SAFE_INTEGER:
        raise ValueError(f"{value!r:.80} is no count")
    return value


def as_save_seconds(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"{value!r:.80} is no duration")
    return min(max(0.0, seconds), LONGEST_SAVE_SECONDS)


def as_epoch(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SAFE_INTEGER:
        raise ValueError(f"{value!r:.80} is no epoch")
    return value


def as_metric(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    if isinstance(value, str) and value in _NOT_FINITE:
        return value
    raise ValueError(f"{value!r:.80} is no metric")
