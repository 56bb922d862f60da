"""Finding everybody who belongs to a job, and never signalling a stranger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trainstop.shim.conftest import is_there, wait_until_gone
from trainstop.shim.process_tree import (
    Process,
    descendants,
    kill_round,
    kill_until_gone,
    marked_tree,
    send_signal,
    start_ticks_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainstop.shim.conftest import Attempt


@pytest.fixture
def stranger() -> Iterator[Process]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]) as child:
        try:
            yield Process(child.pid, start_ticks_of(child.pid))
        finally:
            child.kill()


@pytest.fixture(params=["pidfd", "no pidfd"])
def signalling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no pidfd":
        monkeypatch.delattr(os, "pidfd_open")


@pytest.mark.usefixtures("signalling")
def test_a_pid_that_was_given_to_somebody_else_is_not_signalled(stranger: Process) -> None:
    former_owner = Process(stranger.pid, stranger.start_ticks - 1)
    assert not send_signal(former_owner, signal.SIGKILL)
    assert kill_round(lambda: [former_owner]) == []
    assert kill_until_gone(lambda: [former_owner], seconds=0) == (set(), [former_owner])
    assert is_there(stranger)


@pytest.mark.usefixtures("signalling")
def test_the_right_one_is_signalled_and_once_gone_that_is_said(stranger: Process) -> None:
    assert send_signal(stranger, signal.SIGKILL)
    os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)
    os.waitpid(stranger.pid, 0)
    assert not send_signal(stranger, signal.SIGKILL)


def test_the_job_is_found_by_its_mark_and_its_descendants_by_their_parents(
    attempt: Attempt, stranger: Process
) -> None:
    # Without a shim: started here, with the mark. One child of it has lost the environment.
    program = """
import os, subprocess, sys
family, sys.argv[1:] = os.environ["FAMILY"], ["obedient", "plain", "daemonised"]
bare = {name: os.environ[name] for name in ("HELLO", "GO", "TRAINSTOP_TEST_MARK")}
child = family.replace('say("main")', 'say("bare")')
subprocess.Popen([sys.executable, "-I", "-S", "-c", child, "obedient"], env=bare)
exec(family)
"""
    family = attempt.family()
    environment = {
        "HELLO": str(attempt.hello),
        "GO": str(attempt.go),
        "FAMILY": family[4],
        "TRAINSTOP_TEST_MARK": attempt.mark,
        "TRAINSTOP_RUN_DIR": str(attempt.run.path),
    }
    with subprocess.Popen([sys.executable, "-I", "-c", program], env=environment):
        met = attempt.meet("main", "plain", "daemonised", "bare")

        assert set(marked_tree(attempt.run.path)) == set(met.values())
        assert marked_tree(attempt.run.path.with_name("11")) == []
        assert stranger in marked_tree(attempt.run.path, known=[stranger])
        reused = Process(stranger.pid, stranger.start_ticks + 1)
        assert stranger not in marked_tree(attempt.run.path, known=[reused])

        killed, left = kill_until_gone(lambda: marked_tree(attempt.run.path), seconds=60)
    assert (killed, left) == (set(met.values()), [])
    assert is_there(stranger)


def test_a_symbolic_link_to_the_run_directory_names_the_same_job(attempt: Attempt) -> None:
    attempt.start_family()
    link = attempt.run.path.with_name("link")
    link.symlink_to(attempt.run.path)
    assert len(marked_tree(link)) == 1


def test_the_caller_is_never_among_the_found(attempt: Attempt) -> None:
    program = "import sys; from trainstop.shim.process_tree import *; sys.exit(len(marked_tree(sys.argv[1])))"
    path = str(attempt.run.path)
    found = subprocess.call(
        [sys.executable, "-c", program, path], env=os.environ | {"TRAINSTOP_RUN_DIR": path}
    )
    assert found == 0


def test_a_zombie_is_not_living() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert start_ticks_of(child.pid) > 0
        assert child.pid not in [process.pid for process in descendants(os.getpid())]


def test_a_process_whose_first_thread_has_left_is_living(attempt: Attempt) -> None:
    program = """
import ctypes, os, threading, signal
def work():
    while b"State:\\tZ" not in open(f"/proc/{os.getpid()}/status", "rb").read():
        pass
    hello = os.open(os.environ["HELLO"], os.O_WRONLY)
    os.write(hello, b"thread %d\\n" % os.getpid())
    threading.Event().wait()
threading.Thread(target=work).start()
ctypes.CDLL(None).pthread_exit(None)
"""
    attempt.start([sys.executable, "-I", "-c", program])
    [worker] = attempt.meet("thread").values()
    assert worker in descendants(attempt.shim.pid)
    attempt.ask(mode="force")
    assert attempt.wait_for_exit()["signal"] == signal.SIGKILL


def test_whoever_was_stopped_to_be_killed_is_killed_even_when_the_search_fails(stranger: Process) -> None:
    searches = iter([[stranger]])

    def search() -> list[Process]:
        try:
            return next(searches)
        except StopIteration:
            raise OSError("too many open files") from None

    with pytest.raises(OSError, match="too many open files"):
        kill_round(search)
    os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)
    wait_until_gone(stranger)


def test_a_search_that_cannot_read_does_not_pass_for_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptors(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", no_descriptors)
    with pytest.raises(OSError, match="Too many open files"):
        descendants(1)
