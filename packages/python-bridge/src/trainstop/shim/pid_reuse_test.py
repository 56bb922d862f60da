"""A pid that the kernel gave to somebody else: in a pid namespace, where the next pid can be chosen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import trainstop

PROGRAM = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
from trainstop.rundir.process_identity import identify, is_alive
from trainstop.shim.process_tree import *

def sleeper(environment):
    pid = os.fork()
    if pid == 0:
        os.execve("/bin/sleep", ["sleep", "1000"], environment)
    return pid

mark = {"TRAINSTOP_RUN_DIR": "/the/run"}
former_pid = sleeper(mark)
former = Process(former_pid, start_ticks_of(former_pid))
identity = identify(former_pid)
assert is_alive(identity)
ticks = os.sysconf("SC_CLK_TCK")
while time.clock_gettime(time.CLOCK_BOOTTIME) < (former.start_ticks + 2) / ticks:
    time.sleep(1 / ticks)  # start times are told apart by ticks
os.kill(former_pid, signal.SIGKILL)
os.waitpid(former_pid, 0)

with open("/proc/sys/kernel/ns_last_pid", "w") as file:
    file.write(str(former_pid - 1))
stranger = sleeper({})
assert stranger == former_pid, (stranger, former_pid)

assert not is_alive(identity)
assert not send_signal(former, signal.SIGKILL)
assert kill_round(lambda: [former]) == []
assert marked_tree("/the/run", known=[former]) == []
assert kill_until_gone(lambda: marked_tree("/the/run", known=[former]), seconds=0.1) == (set(), [])
time.sleep(0.05)
assert os.waitpid(stranger, os.WNOHANG) == (0, 0), "somebody else was signalled"
os.kill(stranger, signal.SIGKILL)
os.waitpid(stranger, 0)
print("left alone")
"""


def test_whoever_got_the_pid_of_a_dead_process_of_the_job_is_left_alone() -> None:
    """Fails where no pid namespace can be made: then this is not tested, and must not look as if it were."""
    as_whom = [] if os.getuid() == 0 else ["--map-root-user"]
    source = str(Path(trainstop.__file__).parents[1])
    ran = subprocess.run(
        ["unshare", *as_whom, "--pid", "--fork", "--mount-proc", sys.executable, "-c", PROGRAM, source],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "left alone\n"), ran.stderr
