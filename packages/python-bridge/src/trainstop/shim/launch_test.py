"""The handshake: one shim for an attempt, and an exit code that can be believed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainstop.rundir.process_identity import identify
from trainstop.rundir.wake import poke
from trainstop.shim.conftest import WAIT_SECONDS, is_there, wait_until_gone
from trainstop.shim.launch import FAILED, MISUSED, SUPERVISED, TAKEN

if TYPE_CHECKING:
    from trainstop.shim.conftest import Attempt


def test_when_the_launch_is_over_the_shim_is_known_and_listens(attempt: Attempt) -> None:
    attempt.write_spec(attempt.family())
    assert attempt.launch().returncode == SUPERVISED
    assert is_there(attempt.shim)
    identity = identify(attempt.shim.pid)
    assert identity is not None
    assert identity["start_ticks"] == attempt.shim.start_ticks
    assert poke(attempt.run.shim_wake)


def test_the_shim_is_a_daemon_that_holds_nothing_of_its_starter(attempt: Attempt) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    attempt.write_spec(attempt.family("plain"))
    code = subprocess.call(
        [sys.executable, "-I", "-m", "trainstop.shim", str(attempt.run.path)],
        env=os.environ | {"TRAINSTOP_TEST_MARK": attempt.mark},
        stdin=reader,
        stdout=writer,
        stderr=writer,
        pass_fds=[writer],
    )
    os.close(writer)
    assert code == SUPERVISED
    attempt.meet("main", "plain")
    closed = select.poll()
    closed.register(reader, select.POLLHUP)
    assert closed.poll(WAIT_SECONDS * 1000), "somebody holds the other end: the shim, or the job"
    os.close(reader)
    assert os.getsid(attempt.shim.pid) == attempt.shim.pid
    assert Path(f"/proc/{attempt.shim.pid}/cwd").readlink() == Path("/")


def test_it_starts_even_when_its_starter_has_no_stdio_at_all(attempt: Attempt) -> None:
    attempt.write_spec(attempt.family())
    shell = f'exec "{sys.executable}" -I -m trainstop.shim "{attempt.run.path}" <&- >&- 2>&-'
    code = subprocess.call(["sh", "-c", shell], env=os.environ | {"TRAINSTOP_TEST_MARK": attempt.mark})
    assert code == SUPERVISED
    attempt.meet("main")


def test_a_second_shim_is_refused_while_the_first_lives(attempt: Attempt) -> None:
    attempt.start_family()
    second = attempt.launch()
    assert second.returncode == TAKEN
    assert second.stderr == f"Another shim supervises {attempt.run.path}; nothing was started.\n"
    assert attempt.told() == ["starting", "started"]


def test_of_two_started_at_once_one_is_refused(attempt: Attempt) -> None:
    attempt.write_spec(attempt.family())
    command = [sys.executable, "-I", "-m", "trainstop.shim", str(attempt.run.path)]
    environment = os.environ | {"TRAINSTOP_TEST_MARK": attempt.mark}
    both = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(launched.wait() for launched in both) == [SUPERVISED, TAKEN]
    attempt.meet("main")
    assert attempt.told() == ["starting", "started"]


@pytest.mark.parametrize("killed", [False, True])
def test_an_attempt_is_never_started_twice(attempt: Attempt, killed: bool) -> None:
    attempt.start_family()
    if killed:
        shim = attempt.shim
        os.kill(shim.pid, signal.SIGKILL)
        wait_until_gone(shim)
    else:
        attempt.tell_main_to_exit(0)
        attempt.wait_for_exit()
    again = attempt.launch()
    assert again.returncode == TAKEN
    assert "started only once" in again.stderr
    assert attempt.told().count("started") == 1


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (None, "no such file"),
        ("{", "Expecting"),
        ("[]", "must be an object"),
        ('{"job_id": "j", "attempt": 1, "argv": []}', "argv must be a list of strings, the program first"),
    ],
)
def test_without_a_usable_spec_nothing_starts_and_the_attempt_stays_free(
    attempt: Attempt, spec: str | None, says: str
) -> None:
    if spec is not None:
        attempt.run.spec.write_text(spec)
    launched = attempt.launch()
    assert launched.returncode == FAILED
    assert says in launched.stderr
    assert launched.stderr.count("\n") == 1
    assert not attempt.run.shim_identity.exists()
    attempt.start_family()


def test_a_run_directory_that_is_not_there_is_a_plain_error(attempt: Attempt) -> None:
    command = [sys.executable, "-I", "-m", "trainstop.shim"]
    missing = subprocess.run(
        [*command, str(attempt.run.path / "no")], capture_output=True, text=True, check=False
    )
    assert (missing.returncode, missing.stderr.count("\n")) == (FAILED, 1)
    assert "No such file or directory" in missing.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == MISUSED


def test_a_shim_that_cannot_set_itself_up_says_so_and_starts_nothing(attempt: Attempt) -> None:
    attempt.write_spec(attempt.family())
    attempt.run.shim_journal.mkdir()  # the journal can't be opened
    launched = attempt.launch()
    assert launched.returncode == FAILED
    assert "The shim can't start" in launched.stderr
    assert not attempt.run.shim_identity.exists()
    assert not attempt.run.output.exists()
