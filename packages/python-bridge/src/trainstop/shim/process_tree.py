"""Who belongs to a job, and killing them until none is left.

A process is a pid and a start time, so that a pid that was given to somebody else is never signalled.
Needs Linux's /proc. No state of its own: the server uses this too, for jobs whose shim died.
"""

from __future__ import annotations

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    class Killable(Protocol):
        def kill(self) -> bool: ...


RUN_DIR_MARK = "TRAINSTOP_RUN_DIR"

# Each pass stops whoever was found, so that the next finds only what was born in between. A tree that still
# grows after so many is killed as far as it is known, and looked at again.
_FREEZE_PASSES = 16


class Process:
    """A process for certain. Equal and hashable by value; `start_ticks` as in `ProcessIdentity`."""

    __slots__ = ("pid", "start_ticks")

    def __init__(self, pid: int, start_ticks: int) -> None:
        self.pid = pid
        self.start_ticks = start_ticks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Process) and self.pid == other.pid and self.start_ticks == other.start_ticks

    def __hash__(self) -> int:
        return hash((self.pid, self.start_ticks))

    def __repr__(self) -> str:
        return f"Process(pid={self.pid}, start_ticks={self.start_ticks})"


def descendants(pid: int) -> list[Process]:
    """The living processes below `pid`, parents before their children; `pid` itself is not among them."""
    return _below([pid], _table())


def marked_tree(run_dir: str | os.PathLike[str], known: Iterable[Process] = ()) -> list[Process]:
    """The living processes of the job run in `run_dir`, and their descendants, without help from a shim.

    Found by `TRAINSTOP_RUN_DIR` in the environment they were started with; `known` adds processes known by
    other means (the main process of a `started` fact), if they still live. Misses an orphan that was started
    with another environment: an empty answer is strong evidence, not proof. Never includes the caller.
    """
    mark = _mark(run_dir)
    table = _table()
    roots = [pid for pid in table if _has_mark(pid, mark)]
    roots += [p.pid for p in known if p.pid in table and table[p.pid].start_ticks == p.start_ticks]
    mine = os.getpid()
    found = {p: None for p in [_process(table, pid) for pid in roots] if _is_living(table[p.pid])}
    found.update(dict.fromkeys(_below(roots, table)))
    return [process for process in found if process.pid != mine]


def newcomers(run_dir: str | os.PathLike[str], seconds: float, number: int | None = None) -> list[Process]:
    """Those of the job that are born while this looks, for `seconds`; each is sent signal `number` at once.

    For what a look at everybody can't catch: processes that fork and exit, one after the other, each of them
    gone before such a look has come to it. Only pids that were not there before are looked at, so each look
    is over in an instant. Ends at once when one is found and no signal is to be sent.
    """
    mark, mine = _mark(run_dir), os.getpid()
    found: dict[Process, None] = {}
    known = set(_pids())
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pids = set(_pids())
        for pid in pids - known:
            stat = _stat(pid) if pid != mine and _has_mark(pid, mark) else None
            if stat is not None and _is_living(stat):
                process = Process(pid, stat.start_ticks)
                found[process] = None
                if number is None:
                    return [process]
                send_signal(process, number)
        known = pids
    return list(found)


def start_ticks_of(pid: int) -> int:
    """For a child that was not yet waited for; raises ProcessLookupError for a pid that is nobody's."""
    stat = _stat(pid)
    if stat is None:
        raise ProcessLookupError(f"there is no process {pid}")
    return stat.start_ticks


def send_signal(process: Process, number: int) -> bool:
    """Send a signal to exactly this process. False: it is gone, or may not be signalled by us."""
    try:
        handle = _pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # With the handle open, a pid that changed hands is noticed here. Without one (kernels before 5.3, old
        # container profiles), what remains is the instant between this look and the signal.
        stat = _stat(process.pid)
        if stat is None or stat.start_ticks != process.start_ticks:
            return False
        if handle is None:
            os.kill(process.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


def kill_round(find: Callable[[], Iterable[Process]], cgroup: Killable | None = None) -> list[Process]:
    """SIGKILL everybody `find` returns; returns whom. Doesn't wait for them to die.

    Those in the `cgroup` are killed at once. For the rest, and where there is none: everybody is stopped
    first, so that nobody can fork, or notice a dead child and start another, while the rest is looked for.
    """
    killed: list[Process] = []
    if cgroup is not None:
        killed += find()
        cgroup.kill()
    frozen: dict[Process, None] = {}
    try:
        for _ in range(_FREEZE_PASSES):
            new = [process for process in find() if process not in frozen]
            if not new:
                break
            for process in new:
                frozen[process] = None
                send_signal(process, signal.SIGSTOP)
    finally:  # whatever went wrong, nobody may be left stopped
        killed += [process for process in frozen if send_signal(process, signal.SIGKILL)]
    return list(dict.fromkeys(killed))


def kill_until_gone(
    find: Callable[[], Iterable[Process]], seconds: float
) -> tuple[set[Process], list[Process]]:
    """Kill everybody `find` returns until it finds nobody, twice in a row. Blocks for about `seconds`.

    Returns who was killed, and who was still there at the end (stuck in the kernel, or another user's).
    """
    ends = time.monotonic() + seconds
    killed: set[Process] = set()
    pause, empty = 0.005, 0
    while True:
        killed.update(kill_round(find))
        left = list(find())
        empty = 0 if left else empty + 1
        if empty == 2 or time.monotonic() >= ends:
            return killed, left
        time.sleep(pause)
        pause = min(pause * 2, 0.25)


class _Stat:
    __slots__ = ("parent", "start_ticks", "state", "threads")

    def __init__(self, state: bytes, parent: int, threads: int, start_ticks: int) -> None:
        self.state = state
        self.parent = parent
        self.threads = threads
        self.start_ticks = start_ticks


def _stat(pid: int) -> _Stat | None:
    data = _read(f"/proc/{pid}/stat", 1024)
    if data is None:
        return None
    # The name in parentheses may itself hold spaces and parentheses.
    fields = data[data.rindex(b")") + 2 :].split()
    return _Stat(fields[0], int(fields[1]), int(fields[17]), int(fields[19]))


def _read(path: str, limit: int) -> bytes | None:
    """None only when the process is gone or not ours to read: any other failure must not look like "gone"."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, limit)
            while chunk := os.read(descriptor, limit):
                data += chunk
            return data
        finally:
            os.close(descriptor)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _mark(run_dir: str | os.PathLike[str]) -> bytes:
    return f"{RUN_DIR_MARK}=".encode() + os.fsencode(os.path.realpath(run_dir))


def _pids() -> Iterator[int]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - a plain list of names, without a Path for each
        if name.isdigit():
            yield int(name)


def _table() -> dict[int, _Stat]:
    table = {}
    for pid in _pids():
        stat = _stat(pid)
        if stat is not None:
            table[pid] = stat
    return table


def _below(roots: Iterable[int], table: dict[int, _Stat]) -> list[Process]:
    children: dict[int, list[int]] = {}
    for pid, stat in table.items():
        children.setdefault(stat.parent, []).append(pid)
    found: dict[int, None] = {}
    generation = list(roots)
    while generation:
        generation = [child for pid in generation for child in children.get(pid, ()) if child not in found]
        found.update(dict.fromkeys(generation))
    return [_process(table, pid) for pid in found if _is_living(table[pid])]


def _process(table: dict[int, _Stat], pid: int) -> Process:
    return Process(pid, table[pid].start_ticks)


def _is_living(stat: _Stat) -> bool:
    # A first thread that left before the others makes the process look like a zombie. It is none.
    return stat.state not in (b"Z", b"X") or stat.threads > 1


def _has_mark(pid: int, mark: bytes) -> bool:
    environment = _read(f"/proc/{pid}/environ", 1 << 16)
    return environment is not None and mark in environment.split(b"\0")


def _pidfd_open(pid: int) -> int | None:
    """None where Python or the system doesn't offer it. Raises ProcessLookupError for one that is gone."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None
