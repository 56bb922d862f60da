"""Fewer rows of metrics that still draw the same curve."""

from __future__ import annotations

import math
from typing import Any

Columns = dict[str, Any]


LEAST_OF_EACH = 8
"""Rows that a metric may keep for itself, however many others there are."""


def thinned(columns: Columns, max_points: int) -> Columns:
    """About `max_points` rows, in their order, so that every metric keeps its shape.

    A metric's rows are cut into equal stretches, and the rows of the least and of the greatest value of each
    are kept: the M4 aggregation of Jugel and others (PVLDB 7, 2014) without the ends of a stretch, as no
    pixel is known here. Kept too are the first and the last row that has a value of it, and the first of
    every stretch that is NaN or infinite: spikes, divergence and ends are what people look for. Metrics
    share `max_points`, but each gets LEAST_OF_EACH; only not finite ones may exceed that.
    """
    rows = len(columns["step"])
    if rows <= max_points:
        return columns
    kept = {0, rows - 1}
    of_each = max(LEAST_OF_EACH, (max_points - 2) // max(1, len(columns["values"])))
    for column in columns["values"].values():
        kept |= _kept(column, of_each)
    order = sorted(kept)
    values = {name: [column[row] for row in order] for name, column in columns["values"].items()}
    return {
        name: values if name == "values" else [column[row] for row in order]
        for name, column in columns.items()
    }


def _kept(column: list[Any], max_points: int) -> set[int]:
    """Rows of one metric. Values: numbers, "NaN", "Infinity", "-Infinity", None where not logged."""
    present = [row for row, value in enumerate(column) if value is not None]
    if len(present) <= max_points:
        return set(present)
    kept = {present[0], present[-1]}
    stretches = max(1, (max_points - 2) // 2)
    for index in range(stretches):
        stretch = present[index * len(present) // stretches : (index + 1) * len(present) // stretches]
        finite = [row for row in stretch if _is_finite(column[row])]
        if finite:
            kept.add(min(finite, key=column.__getitem__))
            kept.add(max(finite, key=column.__getitem__))
        if len(finite) < len(stretch):
            for value in {str(column[row]) for row in stretch if not _is_finite(column[row])}:
                kept.add(next(row for row in stretch if str(column[row]) == value))
    return kept


def _is_finite(value: Any) -> bool:
    return not isinstance(value, str) and math.isfinite(value)
