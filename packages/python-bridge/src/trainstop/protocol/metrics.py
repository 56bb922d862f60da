from __future__ import annotations

from typing import Literal

from trainstop.protocol.primitives import Count, Number, Seconds, Timestamp, WireModel

MetricValue = Number | Literal["NaN", "Infinity", "-Infinity"]
"""JSON has no NaN and no infinity, and a diverged loss is just what one must see: they travel as strings."""


class LatestMetric(WireModel):
    """The newest value of one metric."""

    value: MetricValue
    step: Count | None
    at: Timestamp


class MetricColumns(WireModel):
    """Metric rows as columns of one length; None in `values` means "not logged in this row"."""

    attempt: list[Count]
    step: list[Count | None]
    epoch: list[Number | None]
    elapsed_seconds: list[Seconds]
    values: dict[str, list[MetricValue | None]]
