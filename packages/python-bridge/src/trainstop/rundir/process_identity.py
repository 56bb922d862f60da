"""Which process, for certain: boot id, pid and start time. A pid alone is reused."""

from __future__ import annotations

from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    class ProcessIdentity(TypedDict):
        boot_id: str
        pid: int
        start_ticks: int
        """Field 22 of /proc/<pid>/stat: clock ticks from boot to the process's start."""


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a living process; None when it is gone or a zombie."""
    stat = process_stat(pid)
    if stat is None or stat[0] in "ZX":
        return None
    return {"boot_id": boot_id(), "pid": pid, "start_ticks": stat[2]}


def is_alive(identity: ProcessIdentity) -> bool:
    return identify(identity["pid"]) == identity


def process_stat(pid: int) -> tuple[str, int, int] | None:
    """(state, parent pid, start time in ticks) from /proc/<pid>/stat; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold spaces and parentheses.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return fields[0].decode(), int(fields[1]), int(fields[19])
