"""docs/deadlines.md says what the code does: every constant it names is there, with that value."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from trainstop.cli.doctor_checks.graces import TORCHRUN_SECONDS
from trainstop.server.jobs.launchers import KILL_SECONDS

PAGE = Path(__file__).parents[5] / "docs" / "deadlines.md"
_NAMED = re.compile(r'`([a-z_.]+):([A-Z_]+)(?:\["(\w+)"\])?`')

MUST_BE_TOLD = (
    *("server.jobs.deadlines", "server.jobs.health", "server.jobs.launchers"),
    "server.supervision.attempt",
)
"""Whose public constants are all about times of a run."""
NOT_ABOUT_RUNS = {"LADDER_LOOK_SECONDS"}


def told() -> list[tuple[str, str, str | None, float]]:
    """(module, constant, key, value) of each row that names one."""
    found = []
    for line in PAGE.read_text().splitlines():
        named = _NAMED.search(line) if line.startswith("|") else None
        if named is not None:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            numbers = [cell for cell in cells if re.fullmatch(r"[0-9.]+", cell)]
            assert len(numbers) == 1, line
            found.append((named[1], named[2], named[3], float(numbers[0])))
    return found


@pytest.mark.parametrize(("module", "constant", "key", "value"), told())
def test_a_value_on_the_page_is_the_one_in_the_code(
    module: str, constant: str, key: str | None, value: float
) -> None:
    found = getattr(importlib.import_module(f"trainstop.{module}"), constant)
    assert (found if key is None else found[key]) == value


@pytest.mark.parametrize("module", MUST_BE_TOLD)
def test_no_time_of_theirs_is_missing(module: str) -> None:
    loaded = importlib.import_module(f"trainstop.{module}")
    source = Path(str(loaded.__file__)).read_text()
    constants = set(re.findall(r"^([A-Z][A-Z_]+) = ", source, re.MULTILINE)) - NOT_ABOUT_RUNS
    assert constants <= {name for where, name, _, _ in told() if where == module}


def test_all_who_know_torchrun_know_the_same() -> None:
    assert KILL_SECONDS["torchrun"] == TORCHRUN_SECONDS
    assert {key for _, name, key, _ in told() if name == "KILL_SECONDS"} == KILL_SECONDS.keys()
