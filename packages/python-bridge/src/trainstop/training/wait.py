"""How long a run that was asked to leave at its next checkpoint, or at the end of its epoch, goes on."""

from __future__ import annotations

import math

from trainstop.rundir.clock import now
from trainstop.rundir.steady_clock import steady_now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from trainstop.rundir.control import ControlCommand


def waits_for(command: ControlCommand) -> Literal["checkpoint", "epoch"] | None:
    """The place in the script's loop where it is to leave; None: at any step."""
    mode = command["mode"] if command["action"] == "cancel" else None
    return mode if mode in ("checkpoint", "epoch") else None


class Wait:
    """The wall clock is read once, when the command is heard: setting it afterwards moves nothing."""

    def __init__(self) -> None:
        self._command_id: str | None = None
        self._asked = math.inf
        self._ends_at = math.inf

    def hear(self, command: ControlCommand | None) -> None:
        """The same command again can only be hastened."""
        if command is None or waits_for(command) is None:
            return
        asked = command.get("wait_until")
        if isinstance(asked, bool) or not isinstance(asked, int | float) or not math.isfinite(asked):
            asked = -math.inf  # nobody said how long: not at all
        if command["id"] != self._command_id:
            self._command_id, self._asked, self._ends_at = command["id"], math.inf, math.inf
        if asked < self._asked:
            self._asked = asked
            self._ends_at = min(self._ends_at, steady_now() + (asked - now()))

    def end(self, command_id: str) -> None:
        """Wait no more for what this command waits for. Safe in a signal handler."""
        if command_id != self._command_id:
            self._command_id, self._asked = command_id, -math.inf
        self._ends_at = -math.inf

    def is_over(self) -> bool:
        return steady_now() >= self._ends_at
