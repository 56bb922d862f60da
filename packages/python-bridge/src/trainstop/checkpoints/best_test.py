"""The best of several: by one metric, the newest of equals, and none where nobody measured."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.checkpoints.best import best_of

values = st.one_of(st.integers(-5, 5), st.floats(), st.sampled_from(["NaN", "Infinity", None, True]))


@given(losses=st.lists(st.none() | values), mode=st.sampled_from(["min", "max"]))
def test_no_other_is_better_and_no_equal_one_is_newer(losses: list[object], mode: str) -> None:
    newest_first = [(str(index), {} if loss is None else {"loss": loss}) for index, loss in enumerate(losses)]
    finite = [
        loss
        for loss in losses
        if isinstance(loss, int | float) and not isinstance(loss, bool) and math.isfinite(loss)
    ]
    found = best_of(newest_first, "loss", mode)
    if not finite:
        assert found is None
    else:
        assert found is not None
        best = min(finite) if mode == "min" else max(finite)
        assert losses[int(found)] == best
        assert best not in [loss for loss in losses[: int(found)] if loss in finite and loss is not True]


@pytest.mark.parametrize(("mode", "best"), [("min", "b"), ("max", "c")])
def test_an_example(mode: str, best: str) -> None:
    newest_first = [("a", {"loss": 0.4}), ("b", {"loss": 0.2}), ("c", {"loss": 0.9}), ("d", {"loss": 0.2})]
    assert best_of(newest_first, "loss", mode) == best
