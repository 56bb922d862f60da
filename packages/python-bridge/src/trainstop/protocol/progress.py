from __future__ import annotations

from trainstop.protocol.primitives import Count, NonNegative, Seconds, Timestamp, WireModel


class Progress(WireModel):
    """How far the run is. What the script never told is None."""

    epoch: NonNegative | None
    epoch_total: Count | None
    step: Count | None
    step_total: Count | None
    started_at: Timestamp | None
    steps_per_second: NonNegative | None
    eta_seconds: Seconds | None
