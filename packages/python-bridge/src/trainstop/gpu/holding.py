"""What was seen of one run on the GPUs, and what of that is left.

Pure but for looks into /proc. A process is a pid and its start time, since a pid is given to others in time.
"""

from __future__ import annotations

from trainstop.gpu.driver import in_container, uses_device
from trainstop.rundir.process_identity import process_stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from trainstop.gpu.probe import Answer

UNLISTED_SLACK_BYTES = 256 << 20
"""By how much memory that no listed process accounts for may have grown: the driver's own varies a little."""


class Held:
    """A device that the run was seen to hold. Sizes in bytes; None where the driver doesn't tell."""

    __slots__ = ("held_bytes", "name", "unlisted_bytes", "uuid")

    def __init__(self, uuid: str, name: str, held_bytes: int | None, unlisted_bytes: int | None) -> None:
        self.uuid = uuid
        self.name = name
        self.held_bytes = held_bytes
        """By all processes of the run together."""
        self.unlisted_bytes = unlisted_bytes
        """In use on the device, and accounted for by no listed process."""


class Left:
    """What one answer of the driver says about the devices that the run held."""

    def __init__(self) -> None:
        self.ours: list[tuple[str, int, int | None]] = []
        """(device, pid, bytes) of each process of the run that is still listed."""
        self.others: list[tuple[str, int, int | None]] = []
        self.unlisted: list[tuple[str, int]] = []
        """(device, bytes): memory that did not come back although nobody is listed who holds it."""
        self.unread: list[tuple[str, str]] = []
        """(device, why) of each that can't be asked any more."""

    @property
    def is_free(self) -> bool:
        return not (self.ours or self.unlisted or self.unread)


class Holding:
    def __init__(self) -> None:
        self.devices: dict[str, Held] = {}
        self.processes: dict[int, int] = {}
        """Pid → start ticks of who of the run was listed by the driver."""
        self.others: set[int] = set()
        """Pids that were listed and are not the run's."""

    @classmethod
    def restored(cls, fact: Mapping[str, Any]) -> Holding:
        """From a `gpu_seen` fact. Raises KeyError, TypeError or ValueError for one that is none."""
        holding = cls()
        for told in fact["devices"]:
            held = Held(str(told["uuid"]), str(told["name"]), told["held_bytes"], told["unlisted_bytes"])
            holding.devices[held.uuid] = held
        holding.processes = {int(pid): int(start_ticks) for pid, start_ticks in fact["processes"]}
        holding.others = {int(pid) for pid in fact["others"]}
        return holding

    def fact(self) -> dict[str, Any]:
        """The fields of a `gpu_seen` fact."""
        return {
            "devices": [
                {name: getattr(held, name) for name in ("uuid", "name", "held_bytes", "unlisted_bytes")}
                for held in self.devices.values()
            ],
            "processes": [list(process) for process in self.processes.items()],
            "others": sorted(self.others),
        }

    def note(self, answer: Answer, mine: Mapping[int, int]) -> bool:
        """Take in what the driver says while the run lives. True when that is news: a device or a process
        more.

        `mine`: pid → start ticks of the run's processes, of before and after the question.
        """
        before = (set(self.devices), dict(self.processes))
        self.others = set()
        for device in _readable(answer):
            ours = [p for p in device["processes"] if self._is_mine(p["pid"], mine)]
            self.processes.update((p["pid"], mine[p["pid"]]) for p in ours if p["pid"] in mine)
            self.others.update(p["pid"] for p in device["processes"] if p not in ours)
            if ours:
                held = Held(device["uuid"], _name(device), _sum(ours), _unlisted(device))
                self.devices[held.uuid] = held
        return before != (set(self.devices), self.processes)

    def left(self, answer: Answer) -> Left:
        """What of it is left, once no process of the run is."""
        left = Left()
        if "unavailable" in answer:
            left.unread = [(held.name, answer["unavailable"]) for held in self.devices.values()]
            return left
        readable = {device["uuid"]: device for device in _readable(answer)}
        for held in self.devices.values():
            device = readable.get(held.uuid)
            if device is None:
                left.unread.append((held.name, _why_unread(answer, held.uuid)))
                continue
            for process in device["processes"]:
                listed = (held.name, process["pid"], process["used_bytes"])
                (left.ours if self._was_mine(process["pid"]) else left.others).append(listed)
            unlisted = _unlisted(device)
            if unlisted is not None and held.unlisted_bytes is not None:
                grown = unlisted - held.unlisted_bytes
                if grown > max(UNLISTED_SLACK_BYTES, (held.held_bytes or 0) // 4):
                    left.unlisted.append((held.name, grown))
        return left

    def _is_mine(self, pid: int, mine: Mapping[int, int]) -> bool:
        start = _start_of(pid)
        if pid in mine:
            return start in (None, mine[pid]) and uses_device(pid)
        return start is None and pid in self.processes

    def _was_mine(self, pid: int) -> bool:
        start = _start_of(pid)
        if pid in self.processes:
            return start in (None, self.processes[pid])
        # Nobody any more, and listed only since the last look before the end: a child of the run that was
        # never seen alive. In a container it may as well be anybody outside.
        return start is None and pid not in self.others and not in_container()


def _readable(answer: Answer) -> list[dict[str, Any]]:
    return [d for d in answer.get("devices", []) if d["error"] is None and isinstance(d["uuid"], str)]


def _why_unread(answer: Answer, uuid: str) -> str:
    errors = {device["uuid"]: device["error"] for device in answer["devices"] if device["error"]}
    why = errors.get(uuid) or errors.get(None) or "it is no longer there"
    return f"NVIDIA's driver answers: {why}."


def _name(device: dict[str, Any]) -> str:
    part = "" if device["mig"] is None else f", instance {device['mig']}"
    return f"GPU {device['index']}{part} ({device['name']})"


def _sum(processes: list[dict[str, Any]]) -> int | None:
    sizes = [process["used_bytes"] for process in processes]
    return None if None in sizes else sum(sizes)


def _unlisted(device: dict[str, Any]) -> int | None:
    listed = _sum(device["processes"])
    return None if listed is None or device["used_bytes"] is None else device["used_bytes"] - listed


def _start_of(pid: int) -> int | None:
    stat = process_stat(pid)
    return None if stat is None else stat[2]
