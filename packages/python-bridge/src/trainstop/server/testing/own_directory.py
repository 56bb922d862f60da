"""A directory that ends with its process, however that ends, and with all that runs in it.

A test run that is killed would leave its PostgreSQL running, and its data in memory. So a second process
waits for the end of the first; what is left where both were killed is cleared away by the next that begins.
"""

from __future__ import annotations

import atexit
import functools
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from trainstop.rundir.process_identity import identify

_PREFIX = "trainstop-tests"
_MEMORY = Path("/dev/shm")
_LEAVING_SECONDS = 10.0
"""What may run in such a directory gets this long to end by itself."""


@functools.cache
def in_memory() -> Path:
    """This process' own directory where writes wait for no disk. Durability is not what is tested there."""
    return _own(_MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir()))


@functools.cache
def on_disk() -> Path:
    """This process' own directory on the disk."""
    return _own(Path(tempfile.gettempdir()))


def _own(root: Path) -> Path:
    remove_those_of_the_dead(root)
    identity = identify(os.getpid())
    assert identity is not None
    name = f"{_PREFIX}-{_pid_namespace()}-{identity['pid']}-{identity['start_ticks']}"
    directory = root / name
    directory.mkdir(exist_ok=True)
    directory.chmod(0o711)  # a database runs as another user
    guard = subprocess.Popen(
        [sys.executable, "-m", __name__, str(os.getpid()), directory],
        stdin=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # what kills the group of the tests leaves it alone
    )

    def end() -> None:
        guard.kill()
        guard.wait()
        end_and_remove(directory)

    atexit.register(end)
    return directory


def remove_those_of_the_dead(root: Path) -> None:
    """Directories below `root` whose process is no more."""
    for directory in root.glob(f"{_PREFIX}-{_pid_namespace()}-*-*"):
        pid, start_ticks = (int(number) for number in directory.name.split("-")[-2:])
        owner = identify(pid)
        if owner is None or owner["start_ticks"] != start_ticks:
            end_and_remove(directory)


def end_and_remove(directory: Path) -> None:
    for signal_ in (signal.SIGQUIT, signal.SIGKILL):  # a database's quickest end, and everybody's
        pids = _at_work_in(directory)
        for pid in pids:
            _send(pid, signal_)
        ends = time.monotonic() + _LEAVING_SECONDS
        while pids and time.monotonic() < ends:
            time.sleep(0.02)
            pids = _at_work_in(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _at_work_in(directory: Path) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, directory)]


def _works_in(process: Path, directory: Path) -> bool:
    try:
        return (process / "cwd").readlink().is_relative_to(directory)
    except OSError:  # gone, a zombie, or somebody else's
        return False


def _send(pid: int, signal_: signal.Signals) -> None:
    try:
        os.kill(pid, signal_)
    except ProcessLookupError:
        return


def _pid_namespace() -> int:
    """In another one, the same number is another process."""
    return Path("/proc/self/ns/pid").stat().st_ino


def _guard(pid: int, directory: Path) -> None:
    try:
        owner = os.pidfd_open(pid)
    except ProcessLookupError:
        owner = None
    if owner is not None and os.getppid() == pid:
        poll = select.poll()
        poll.register(owner, select.POLLIN)
        poll.poll()
    end_and_remove(directory)


if __name__ == "__main__":
    _guard(int(sys.argv[1]), Path(sys.argv[2]))
