"""Rows of metrics as columns: `{attempt, step, epoch, elapsed_seconds, values: {name: column}}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Columns = dict[str, Any]
_PLAIN = ("attempt", "step", "epoch", "elapsed_seconds")


def rows_in(columns: Columns) -> int:
    return len(columns["step"])


def joined(batches: Iterable[Columns]) -> Columns:
    """One after the other; None where a batch lacks a metric that another has."""
    columns: Columns = {**{name: [] for name in _PLAIN}, "values": {}}
    values = columns["values"]
    for batch in batches:
        before, count = rows_in(columns), rows_in(batch)
        for name in _PLAIN:
            columns[name].extend(batch[name])
        for name in batch["values"].keys() - values.keys():
            values[name] = [None] * before
        for name, column in values.items():
            column.extend(batch["values"].get(name) or [None] * count)
    return columns
