"""What supervision needs to know of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

Fact = Mapping[str, Any]
"""`at`, `type`, `source` and the fields of that type; see docs/architecture.md."""


class ReadElsewhereError(Exception):
    """The journals are not recorded just up to where these facts begin: another supervisor was there, or a
    commit whose answer was lost. Nothing was changed; read on from `offsets`."""

    def __init__(self, offsets: Mapping[str, int]) -> None:
        super().__init__("the store stands elsewhere in the journals")
        self.offsets = dict(offsets)


@dataclass(frozen=True, slots=True)
class SupervisedJob:
    """A job that has a process, should get one, or may have one left: what of it may change between looks.
    What it is started with, and how far its journals are recorded, is asked for when it is needed."""

    job_id: str
    attempt: int
    status: str
    """`pending`, `running`, `pausing`, `stopping`, or `paused` while it is held."""
    health: str
    unresponsive_at: float | None
    """When it is unresponsive unless it moves until then, in Unix seconds; None: never as things are."""
    may_launch: bool
    """Pending and a place is free for it: launch it, after `Jobs.claim_launch` said yes."""
    waits_for: dict[str, Any] | None
    """Why a pending one may not be launched yet, `{code, message}`; None for all others."""
    waiting_is_told: bool
    """The job itself says so already."""
    claimed: bool
    """`claim_launch` was called for this attempt: a shim may exist, even when `launched` is still false."""
    launched: bool
    """The fact `launched` was recorded for this attempt."""
    linger_seconds: float
    control: ControlCommand | None
    """What control.json must say. None: nothing is asked (any more)."""
