from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trainstop.rundir.atomic_file import write_json_atomically
from trainstop.rundir.journal import read_facts
from trainstop.rundir.layout import RunDir
from trainstop.server.supervision import launch as launch_module
from trainstop.server.supervision.conftest import until
from trainstop.server.supervision.launch import (
    LaunchFailedError,
    LaunchUnsettledError,
    give_up,
    has_shim,
    launch,
)

if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand

NOT_STOPPING = threading.Event()
TALLY = "import os; os.write(os.open('tally', os.O_WRONLY | os.O_CREAT | os.O_APPEND), b'started ')"


def spec(place: Path, **changes: Any) -> dict[str, Any]:
    return {
        "job_id": "job_a",
        "attempt": 1,
        "argv": [sys.executable, "-I", "-c", TALLY],
        "cwd": str(place),
        "env": {"PATH": os.environ["PATH"]},
        "server_wake": None,
        "linger_seconds": 1,
        "resume": None,
        **changes,
    }


def ended(run: RunDir) -> bool:
    return run.exit_record.exists()


def test_when_it_returns_a_shim_holds_the_attempt(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    launch(run, spec(place), None, NOT_STOPPING)
    assert has_shim(run)
    until(lambda: ended(run), "the run's end")
    assert (place / "tally").read_text() == "started "


def test_a_second_launch_of_the_attempt_starts_nothing(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    launch(run, spec(place), None, NOT_STOPPING)
    launch(run, spec(place), None, NOT_STOPPING)
    until(lambda: ended(run), "the run's end")
    launch(run, spec(place), None, NOT_STOPPING)
    assert (place / "tally").read_text() == "started "


def test_many_servers_at_once_start_it_once(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    run.path.mkdir(parents=True)
    outcomes: list[object] = []

    def one_server() -> None:
        try:
            code, _ = launch_module._start_shim(run.path, os.environ, NOT_STOPPING)
            outcomes.append(code)
        except Exception as error:
            outcomes.append(error)

    write_json_atomically(run.spec, spec(place))
    servers = [threading.Thread(target=one_server) for _ in range(4)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert sorted(map(str, outcomes)) == ["0", "3", "3", "3"]
    until(lambda: ended(run), "the run's end")
    assert (place / "tally").read_text() == "started "


def test_a_cancel_that_is_there_first_starts_nothing(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    cancel: ControlCommand = {
        "id": "cmd_1",
        "action": "cancel",
        "mode": "graceful",
        "created_at": 0.0,
        "term_at": 45.0,
        "deadline": 60.0,
    }
    launch(run, spec(place), cancel, NOT_STOPPING)
    until(lambda: ended(run), "the shim's end")
    assert read_facts(run.shim_journal, 0)[0][0]["type"] == "not_started"
    assert not (place / "tally").exists()


def test_a_job_that_no_shim_takes_fails_with_the_shims_sentence(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    with pytest.raises(LaunchFailedError, match="argv must be a list of strings"):
        launch(run, spec(place, argv=[]), None, NOT_STOPPING)
    assert not has_shim(run)


def test_a_directory_that_takes_no_files_is_the_systems_error(place: Path) -> None:
    (place / "jobs").write_text("a file is in the way")
    with pytest.raises(OSError, match="Not a directory"):
        launch(RunDir.of(place, "job_a", 1), spec(place), None, NOT_STOPPING)


def test_a_stopping_server_leaves_it_open_whether_the_shim_holds_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = place / "python"
    never.write_text("#!/bin/sh\nexec sleep 1000 # " + str(place))
    never.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(never))
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(LaunchUnsettledError):
        launch(RunDir.of(place, "job_a", 1), spec(place), None, stopping)


def test_an_attempt_that_was_given_up_is_never_started(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    run.path.mkdir(parents=True)
    assert give_up(run, "every launcher died")
    launch(run, spec(place), None, NOT_STOPPING)
    assert launch_module._start_shim(run.path, os.environ, NOT_STOPPING)[0] == 3
    assert not (place / "tally").exists()


def test_an_attempt_that_a_shim_holds_is_not_given_up(place: Path) -> None:
    run = RunDir.of(place, "job_a", 1)
    launch(run, spec(place), None, NOT_STOPPING)
    assert not give_up(run, "every launcher died")
    until(lambda: ended(run), "the run's end")
    assert (place / "tally").read_text() == "started "
