from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.layout import RunDir
from trainstop.server.supervision.exit_record import read_exit_record

WHOLE = {
    "exit_code": 0,
    "signal": None,
    "error": None,
    "main_exited_at": "2026-11-23T18:09:00.123Z",
    "tree_gone_at": "2026-11-23T18:09:00.125Z",
}


def test_no_file_is_no_end(tmp_path: Path) -> None:
    assert read_exit_record(RunDir(tmp_path)) is None


def test_the_fields_are_given_as_they_are_and_no_others(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.exit_record.write_text(json.dumps({**WHOLE, "type": "launched", "source": "me"}))
    assert read_exit_record(run) == WHOLE


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        {**WHOLE, "exit_code": "0"},
        {**WHOLE, "exit_code": True},
        {**WHOLE, "signal": "SIGKILL"},
        {**WHOLE, "error": 5},
        {**WHOLE, "tree_gone_at": None},
    ],
)
def test_a_damaged_record_proves_nothing(tmp_path: Path, damaged: Any) -> None:
    run = RunDir(tmp_path)
    run.exit_record.write_text(damaged if isinstance(damaged, str) else json.dumps(damaged))
    assert read_exit_record(run) is None
