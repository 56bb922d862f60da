"""A restored store beside run directories in which scripts did what they liked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.layout import RunDir
from trainstop.server.backup.reconciling import reconcile
from trainstop.server.store.database import Database
from trainstop.server.store.records import AttemptRecord, CommandRecord, JobRecord

SPEC: dict[str, Any] = {
    **{"job_id": "job_1", "attempt": 1, "argv": ["true"], "cwd": "/", "env": {}},
    **{"server_wake": None, "linger_seconds": 1, "resume": None},
}
STOP: dict[str, Any] = {
    **{"id": "cmd_1", "action": "cancel", "mode": "graceful", "created_at": 1.8e9},
    **{"term_at": 1.8e9, "deadline": 1.8e9},
}


def write_run(data_dir: Path, attempt: str = "1", *, control: Any = None, **spec: Any) -> RunDir:
    run = RunDir(data_dir / "jobs" / "job_1" / "attempts" / attempt)
    run.path.mkdir(parents=True, exist_ok=True)
    run.spec.write_text(json.dumps({**SPEC, **spec}))
    run.shim_identity.write_text("{}")
    run.control.write_text(json.dumps({"command": control}))
    return run


def test_a_run_that_the_store_knows_nothing_of_is_taken_in_with_what_it_was_asked(
    store: Database, tmp_path: Path
) -> None:
    write_run(tmp_path, control=STOP)
    assert reconcile(store, tmp_path, "srv_1").jobs == ["job_1"]
    with store.read() as connection:
        assert CommandRecord.find(connection, id="cmd_1") is not None


@pytest.mark.parametrize(
    "field",
    [
        {"id": ["cmd_1"]},
        {"id": "../cmd"},
        {"created_at": "yesterday"},
        {"deadline": 1e300},
        {"deadline": float("nan")},
        {"term_at": True},
        {"mode": {}},
        {"action": "exec"},
    ],
    ids=repr,
)
def test_a_command_that_no_server_wrote_keeps_no_store_from_being_restored(
    store: Database, tmp_path: Path, field: dict[str, Any]
) -> None:
    write_run(tmp_path, control={**STOP, **field})
    assert reconcile(store, tmp_path, "srv_1").jobs == ["job_1"]
    with store.read() as connection:
        job = JobRecord.find(connection, id="job_1")
        assert job is not None and job.command_id is None


@pytest.mark.parametrize("control", [[], "stop", 7, {"action": []}], ids=repr)
def test_nor_does_something_else_in_its_place(store: Database, tmp_path: Path, control: Any) -> None:
    write_run(tmp_path, control=control)
    assert reconcile(store, tmp_path, "srv_1").jobs == ["job_1"]


@pytest.mark.parametrize("attempt", ["9" * 200, "\uff11", "007", "-1", "0"])
def test_directories_that_are_no_attempts_are_none(store: Database, tmp_path: Path, attempt: str) -> None:
    write_run(tmp_path, "2")
    write_run(tmp_path, attempt)
    assert reconcile(store, tmp_path, "srv_1").jobs == ["job_1"]
    with store.read() as connection:
        assert AttemptRecord.find(connection, job_id="job_1", attempt=2) is not None


@pytest.mark.parametrize("resume", [[1], "x", {"path": 7, "checkpoint_id": "x"}, {}], ids=repr)
def test_a_checkpoint_that_nobody_could_have_begun_from_is_none(
    store: Database, tmp_path: Path, resume: Any
) -> None:
    run = write_run(tmp_path, resume=resume)
    os.mkfifo(run.path.parent / "2")
    assert reconcile(store, tmp_path, "srv_1").jobs == ["job_1"]
    with store.read() as connection:
        attempt = AttemptRecord.find(connection, job_id="job_1", attempt=1)
        assert attempt is not None and attempt.resume is None
