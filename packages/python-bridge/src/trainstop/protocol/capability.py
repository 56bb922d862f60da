from __future__ import annotations

from typing import Literal

from trainstop.protocol.primitives import WireModel

StopMode = Literal["graceful", "checkpoint", "epoch", "force"]
"""Finish the step and save; at the next scheduled checkpoint; at the end of the epoch; kill now."""


class Capability(WireModel):
    """Whether an action is possible on a job right now, and if not, why."""

    allowed: bool
    reason: str | None


UNTOLD = Capability(allowed=False, reason=None)
"""What an older server leaves out."""


class Capabilities(WireModel):
    cancel: Capability
    force: Capability
    pause: Capability
    resume: Capability
    modes: list[str]
    checkpoint: Capability = UNTOLD
    """Whether `modes` has it, and if not, why. So for `epoch`."""
    epoch: Capability = UNTOLD
    hold: Capability = UNTOLD
