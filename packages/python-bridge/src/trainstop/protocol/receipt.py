from __future__ import annotations

from trainstop.protocol.primitives import Timestamp, WireModel

RECEIPT_STAGES = (
    "requested",
    "accepted",
    "delivered",
    "acknowledged",
    "checkpoint_saved",
    "process_exited",
    "resources_released",
)
"""The stages of a command, in their order."""


class Receipt(WireModel):
    """Proof that one stage of a command was reached, or why not."""

    stage: str
    state: str
    at: Timestamp
    by: str
    detail: str | None
