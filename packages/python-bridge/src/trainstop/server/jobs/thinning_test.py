from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trainstop.server.jobs.thinning import thinned

VALUE = (
    st.none() | st.floats(-10, 10) | st.integers(-10, 10) | st.sampled_from(["NaN", "Infinity", "-Infinity"])
)
PAIR = st.tuples(VALUE, VALUE)


def columns_of(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    rows = len(pairs)
    return {
        "attempt": [1] * rows,
        "step": list(range(rows)),
        "epoch": [None] * rows,
        "elapsed_seconds": [0.5] * rows,
        "values": {"loss": [pair[0] for pair in pairs], "accuracy": [pair[1] for pair in pairs]},
    }


@given(pairs=st.lists(PAIR, max_size=300), max_points=st.integers(2, 60))
def test_every_metric_keeps_its_ends_its_extremes_and_whatever_is_not_finite(
    pairs: list[tuple[Any, Any]], max_points: int
) -> None:
    columns = columns_of(pairs)
    fewer = thinned(columns, max_points)
    steps = fewer["step"]
    assert steps == sorted(set(steps)) and steps[:1] == columns["step"][:1]
    assert steps[-1:] == columns["step"][-1:]
    assert {len(fewer[name]) for name in ("attempt", "epoch", "elapsed_seconds")} == {len(steps)}
    for name, column in fewer["values"].items():
        whole = columns["values"][name]
        assert column == [whole[step] for step in steps], "a row stays as it was"
        logged, kept = ([value for value in each if value is not None] for each in (whole, column))
        assert kept[:1] == logged[:1] and kept[-1:] == logged[-1:]
        assert {value for value in kept if isinstance(value, str)} == {
            value for value in logged if isinstance(value, str)
        }
        numbers, left = ([value for value in each if not isinstance(value, str)] for each in (logged, kept))
        if numbers:
            assert (min(left), max(left)) == (min(numbers), max(numbers))
    if len(pairs) <= max_points:
        assert fewer == columns


@given(rows=st.integers(0, 3000), max_points=st.integers(20, 200))
def test_metrics_together_keep_at_most_as_many_rows_as_were_asked_for(rows: int, max_points: int) -> None:
    columns = columns_of([(math.sin(row), math.cos(7 * row)) for row in range(rows)])
    assert len(thinned(columns, max_points)["step"]) <= max_points


def test_a_single_spike_among_a_million_rows_is_still_there() -> None:
    column: list[Any] = [1.0] * 1_000_000
    column[654_321] = 99.0
    column[123_456] = "NaN"
    fewer = thinned(columns_of([(value, None) for value in column]), 100)
    assert (123_456 in fewer["step"], 654_321 in fewer["step"]) == (True, True)
    assert len(fewer["step"]) <= 101
