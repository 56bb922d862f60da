from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainstop.cli.readable import duration, fraction_done, number, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (303, "5 min 3 s"),
        (3599.9, "1 h"),
        (11_520, "3 h 12 min"),
        (86_400, "1 d"),
        (187_200, "2 d 4 h"),
        (1e7, "115 d 17 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_572_864, "1.5 MiB"),
        (1_048_575, "1.0 MiB"),
        (24_696_061_952, "23 GiB"),
        (1 << 50, "1024 TiB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


@given(count=st.integers(0, 1 << 60))
def test_every_size_is_short(count: int) -> None:
    assert len(size(count)) <= len("1048576 TiB")


def test_a_metric_that_json_has_no_number_for_is_its_word() -> None:
    assert [number(each) for each in ("NaN", 3, 0.123456789, 1e-9)] == ["NaN", "3", "0.123457", "1e-09"]


def test_how_far_is_not_known_where_nobody_said_how_much_there_is() -> None:
    nothing = {"step": 5, "step_total": None, "epoch": None, "epoch_total": None}
    assert fraction_done({"progress": nothing}) is None
    assert fraction_done({"progress": {**nothing, "step_total": 10}}) == 0.5
    assert fraction_done({"progress": {**nothing, "step_total": 0}}) is None
    assert fraction_done({"progress": {**nothing, "epoch": 1, "epoch_total": 4}}) == 0.25
    assert fraction_done({"progress": {**nothing, "step_total": 4}}) == 1.0
