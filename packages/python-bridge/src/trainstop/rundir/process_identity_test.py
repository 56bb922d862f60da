"""A process is alive only while it is that very process, not a later one with its pid, and not a zombie."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trainstop.rundir.process_identity import identify, is_alive, process_stat


def test_this_process_is_alive_and_its_parent_is_known() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert is_alive(me)
    stat = process_stat(os.getpid())
    assert stat is not None
    assert stat[1] == os.getppid()


def test_a_child_is_alive_until_it_exits_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identify(child.pid)
    assert identity is not None
    assert is_alive(identity)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    assert not is_alive(identity)
    child.wait()
    assert not is_alive(identity)
    assert identify(child.pid) != identity


def test_another_start_time_or_another_boot_is_another_process() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert not is_alive({**me, "start_ticks": me["start_ticks"] - 1})
    assert not is_alive({**me, "boot_id": "00000000-0000-0000-0000-000000000000"})


def test_a_name_with_spaces_and_parentheses_confuses_nobody(tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    program = tmp_path / "a) S 1 (b"
    shutil.copy(sleep, program)
    child = subprocess.Popen([program, "600"])
    try:
        stat = process_stat(child.pid)
        assert stat is not None
        assert stat[1] == os.getpid()
    finally:
        child.kill()
        child.wait()
