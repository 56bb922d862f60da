"""What the job's command finds when it starts, and what is told when it can't."""

from __future__ import annotations

import json
import signal
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from trainstop.shim.conftest import Attempt, sweep

if TYPE_CHECKING:
    from pathlib import Path

LOOK_AROUND = """
import json, os, signal, sys
with open("/proc/self/status") as status:
    ignored = next(line.split()[1] for line in status if line.startswith("SigIgn"))
with open("/proc/self/status") as status:
    blocked = next(line.split()[1] for line in status if line.startswith("SigBlk"))
print(json.dumps({
    "argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "stdin": sys.stdin.read(),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1],
    "session": os.getsid(0) == os.getpid(),
    "blocked": int(blocked, 16), "ignored": int(ignored, 16),
}))
"""

# What Python itself ignores in the looking program: SIGPIPE and SIGXFSZ.
_IGNORED_BY_PYTHON = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1


def test_the_command_starts_as_if_nobody_had_started_it(attempt: Attempt, tmp_path: Path) -> None:
    home = tmp_path / "mein Ordner, 学習"
    home.mkdir()
    arguments = ["two words", "größer", "", "$HOME; *", "-x"]
    environment = {"PATH": "/nowhere", "NAME": "Zoë", "EMPTY": "", "LC_ALL": "C.UTF-8"}
    attempt.start(
        [sys.executable, "-I", "-S", "-X", "utf8", "-c", LOOK_AROUND, *arguments],
        cwd=str(home),
        env=environment | {"TRAINSTOP_ATTEMPT": "forged"},
        job_id="job_7",
        attempt=3,
    )
    assert attempt.wait_for_exit()["exit_code"] == 0
    seen = json.loads(attempt.run.output.read_text())
    assert seen["argv"] == arguments
    assert seen["cwd"] == str(home)
    assert seen["env"] == environment | {
        "TRAINSTOP_RUN_DIR": str(attempt.run.path),
        "TRAINSTOP_JOB_ID": "job_7",
        "TRAINSTOP_ATTEMPT": "3",
    }
    assert seen["stdin"] == ""
    assert seen["descriptors"] == [0, 1, 2]
    assert seen["session"] is True
    assert seen["blocked"] == 0
    assert seen["ignored"] == _IGNORED_BY_PYTHON


def test_a_run_directory_with_spaces_and_other_alphabets_works(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path / "Läufe 学習 'x'" / "attempts" / "1", uuid.uuid4().hex)
    try:
        attempt.start_family("plain")
        attempt.ask(mode="force")
        assert attempt.wait_for_exit()["signal"] == signal.SIGKILL
    finally:
        sweep(attempt.mark, attempt.met)
        attempt.close()


def test_the_program_is_looked_for_on_the_jobs_own_path(attempt: Attempt, tmp_path: Path) -> None:
    program = tmp_path / "train-it"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o700)
    attempt.start(["train-it"], env={"PATH": str(tmp_path)})
    assert attempt.wait_for_exit()["exit_code"] == 0
    assert attempt.run.output.read_text() == "found\n"


def test_output_is_appended_complete_and_in_order(attempt: Attempt) -> None:
    attempt.run.output.write_text("before\n")
    program = "import os\nfor i in range(20000): os.write(1 + i % 2, b'%d\\n' % i)"
    attempt.start([sys.executable, "-I", "-S", "-c", program])
    attempt.wait_for_exit()
    assert attempt.run.output.read_text() == "before\n" + "".join(f"{i}\n" for i in range(20000))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"argv": ["no-such-program"]}, "'no-such-program' can't be started: No such file or directory"),
        ({"argv": ["./data"]}, "'./data' can't be started: Permission denied"),
        ({"argv": ["./nonsense"]}, "'./nonsense' can't be started: Exec format error"),
        ({"cwd": "/no/such"}, "The directory '/no/such' can't be entered: No such file or directory"),
        ({"argv": ["\ud800"]}, "can't be started"),
    ],
)
def test_a_command_that_cannot_be_started_is_told_with_the_reason(
    attempt: Attempt, changes: dict[str, object], says: str
) -> None:
    (attempt.run.path / "data").touch(0o600)
    nonsense = attempt.run.path / "nonsense"
    nonsense.write_bytes(b"\0\1\2")
    nonsense.chmod(0o700)
    attempt.start(**({"argv": ["true"], "cwd": str(attempt.run.path)} | changes))  # type: ignore[arg-type]
    record = attempt.wait_for_exit()
    assert says in record["error"]
    assert (record["exit_code"], record["signal"], record["main_exited_at"]) == (None, None, None)
    assert attempt.told() == ["starting", "start_failed", "tree_gone", "resources"]
    assert attempt.fact("start_failed")["error"] == record["error"]


def test_output_that_cannot_be_written_is_a_failed_start(attempt: Attempt) -> None:
    attempt.run.output.mkdir()
    attempt.start(["true"])
    assert "The output can't be written: Is a directory" in attempt.wait_for_exit()["error"]
