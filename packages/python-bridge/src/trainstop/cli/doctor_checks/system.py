"""Python, Linux, and what its kernel lets us do with processes."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from trainstop.cli.doctor_checks.finding import Finding, failed, ok, warning

PR_SET_CHILD_SUBREAPER = 36
LEAST_PYTHON = (3, 11)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, version))
    if version >= LEAST_PYTHON:
        return ok("python", f"Python {text}.")
    return failed("python", f"Python {text} is too old.", "Install Python 3.11 or later.")


def kernel(system: str = platform.system(), release: str = platform.release()) -> Finding:
    if system != "Linux":
        return failed(
            "kernel",
            f"This is {system}, not Linux.",
            "The server does not run here; scripts with trainstop.run do.",
        )
    return ok("kernel", f"Linux {release}.")


def subreaper(works: Callable[[], bool] | None = None) -> Finding:
    """Really tries: a grandchild whose parent is gone must become ours."""
    if (works or _adopts_orphans)():
        return ok("subreaper", "Orphans of a run are adopted, so that an empty process tree is proven.")
    return warning(
        "subreaper",
        "This kernel or container does not let a process adopt orphans.",
        "A stop still ends what it can find, but can't prove that no process of a run is left.",
    )


def _adopts_orphans() -> bool:
    """In a process of its own: adopting is a lasting change."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            os.write(writer, b"y" if _orphan_comes_to_us() else b"n")
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said == b"y"


def _orphan_comes_to_us() -> bool:
    argument = ctypes.c_ulong
    prctl = ctypes.CDLL(None).prctl
    if prctl(PR_SET_CHILD_SUBREAPER, argument(1), argument(0), argument(0), argument(0)) != 0:
        return False
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.waitpid(child, 0)
    # A new child is there at once, if the kernel gave it to us.
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    try:
        orphans = [int(each) for each in children.read_text().split()]
    except OSError:
        orphans = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and f"\nPPid:\t{os.getpid()}\n" in (entry / "status").read_text():
                orphans.append(int(entry.name))
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
    return bool(orphans)


def pidfd(opened: Callable[[int], int] | None = None) -> Finding:
    try:
        os.close((opened or os.pidfd_open)(os.getpid()))
    except (OSError, AttributeError) as error:
        return failed(
            "pidfd",
            f"A process can't be watched by a descriptor here: {error}.",
            "The server needs Linux 5.3 or later, and a container whose rules allow pidfd_open.",
        )
    return ok("pidfd", "Processes are watched by descriptors, which no other process can take over.")


def cgroup(own: str | None = None) -> Finding:
    """Whether runs get a cgroup of their own, tried by making one."""
    from trainstop.shim.job_cgroup import own_cgroup

    path = own if own is not None else own_cgroup()
    why = (
        "Stops sweep the process tree instead, which works; a cgroup would also prove the end of a run "
        "whose shim "
        "was killed. With systemd, Delegate=yes gives one (trainstop systemd)."
    )
    if path is None:
        return warning("cgroup", "There is no cgroup v2 that this process can see its own place in.", why)
    tried = Path(path) / f"trainstop-doctor-{os.getpid()}"
    try:
        tried.mkdir()
        can_kill = (tried / "cgroup.kill").exists()
        tried.rmdir()
    except OSError as error:
        return warning("cgroup", f"No cgroup can be made in {path}: {error.strerror}.", why)
    if not can_kill:
        return warning(
            "cgroup",
            f"A run gets a cgroup of its own below {path}, but Linux before 5.14 can't kill one at once.",
            "Stops sweep its processes one by one.",
        )
    return ok("cgroup", f"Each run gets a cgroup of its own below {path}, and one write ends all of it.")
