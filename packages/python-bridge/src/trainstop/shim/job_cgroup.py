"""A cgroup of its own for each attempt, where one may be made.

Whoever the job forks is in it, however he tried to get away; one write kills all of them at once; and that it
is empty proves that nobody is left, also when no shim was there to see it.

Needs cgroup v2 and a cgroup of ours that we may write to: systemd's `Delegate=yes`, or root in a container
with a writable /sys/fs/cgroup. Elsewhere there is simply none. No controller is switched on, so processes may
stay beside it in the cgroup that it is made in.
"""

from __future__ import annotations

import contextlib
import os
import time

from trainstop.shim.process_tree import Process, start_ticks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PREFIX = "trainstop-"

LEFTOVER_SECONDS = 60.0
"""An empty cgroup of ours that is older waits for nobody: whoever made it enters it in an instant."""


class JobCgroup:
    """But for `open_events`, no method raises OSError: what the kernel refuses is as if there were none."""

    __slots__ = ("inode", "path")

    def __init__(self, path: str, inode: int) -> None:
        self.path = path
        self.inode = inode
        """The kernel never gives it twice in a boot: the same path made again by others is noticed."""

    @property
    def record(self) -> dict[str, Any]:
        return {"path": self.path, "inode": self.inode}

    def processes(self) -> list[Process]:
        """Who lives in it, and in the cgroups that the job may have made below it."""
        found = []
        for path in self._all():
            with contextlib.suppress(OSError):
                for pid in map(int, _read(f"{path}/cgroup.procs").split()):
                    with contextlib.suppress(ProcessLookupError):
                        found.append(Process(pid, start_ticks_of(pid)))
        return found

    def is_populated(self) -> bool:
        """Whether anybody lives in it or below. False is proof."""
        try:
            return "populated 0" not in _read(f"{self.path}/cgroup.events")
        except FileNotFoundError:
            return False  # only an empty one can be removed
        except OSError:
            return True

    def open_events(self) -> int:
        """A descriptor that polls as urgent when the cgroup became empty, or not empty. Raises OSError."""
        return os.open(f"{self.path}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)

    def kill(self) -> bool:
        """SIGKILL to all in it at once; whoever is being forked dies too. False: Linux before 5.14 can't."""
        return _write(f"{self.path}/cgroup.kill", "1")

    def remove(self) -> None:
        for path in reversed(list(self._all())):
            with contextlib.suppress(OSError):
                os.rmdir(path)  # noqa: PTH106

    def _all(self) -> Iterator[str]:
        """Those above before those below."""
        for path, _, _ in os.walk(self.path):
            yield path


def cgroup_around(process: Process, name: str) -> JobCgroup | None:
    """Make a cgroup below our own and put a child of ours, which has forked nobody yet, into it."""
    parent = own_cgroup()
    if parent is None:
        return None
    safe = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)[:100]
    path = f"{parent}/{PREFIX}{safe}-{os.urandom(3).hex()}"
    try:
        os.mkdir(path, 0o755)  # noqa: PTH102
    except OSError:
        return None
    cgroup = JobCgroup(path, os.stat(path).st_ino)  # noqa: PTH116
    if _write(f"{path}/cgroup.procs", str(process.pid)):
        return cgroup
    cgroup.remove()
    return None


def recorded_cgroup(record: Any) -> JobCgroup | None:
    """The cgroup that a shim wrote down; None when it is not there (any more), or another by now."""
    if not isinstance(record, dict):
        return None
    path, inode = record.get("path"), record.get("inode")
    if not isinstance(path, str) or not os.path.basename(path).startswith(PREFIX):  # noqa: PTH119
        return None
    try:
        return JobCgroup(path, inode) if os.stat(path).st_ino == inode else None  # noqa: PTH116
    except (OSError, ValueError):
        return None


def remove_leftovers() -> None:
    """Remove the empty cgroups that killed shims left behind below our own."""
    parent = own_cgroup()
    try:
        names = [] if parent is None else os.listdir(parent)  # noqa: PTH208
    except OSError:
        return
    for name in names:
        path = f"{parent}/{name}"
        if name.startswith(PREFIX):
            with contextlib.suppress(OSError):
                status = os.stat(path)  # noqa: PTH116
                cgroup = JobCgroup(path, status.st_ino)
                if time.time() - status.st_mtime > LEFTOVER_SECONDS and not cgroup.is_populated():
                    cgroup.remove()


def own_cgroup(proc: str = "/proc/self") -> str | None:
    """Where the cgroup v2 that we are in can be written to; None where that can't be seen."""
    try:
        ours = next(line[3:] for line in _read(f"{proc}/cgroup").splitlines() if line.startswith("0::"))
        for line in _read(f"{proc}/mountinfo").splitlines():
            place, _, kind = line.partition(" - ")
            if kind.startswith("cgroup2 "):
                _, _, _, root, mount, *_ = place.split()
                inside = f"{ours.rstrip('/')}/"
                if ".." not in ours and inside.startswith(f"{root.rstrip('/')}/"):
                    return f"{_unescaped(mount)}/{inside[len(root.rstrip('/')) + 1 :]}".rstrip("/")
    except (OSError, StopIteration, ValueError):
        pass
    return None


def _unescaped(mount: str) -> str:
    for code, letter in ((r"\040", " "), (r"\011", "\t"), (r"\134", "\\")):
        mount = mount.replace(code, letter)
    return mount


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        return file.read()


def _write(path: str, text: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(descriptor, text.encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
