"""GPUs that aren't there: what lies in the place of the library `pynvml` in the tests' fake machine.

It answers as NVML is documented to, out of `gpu.json` beside it, which a test writes and changes:

    {"driver_version": "570.86.15",
     "init_error": 9,            or null: what nvmlInit fails with
     "trouble": "hang",          or "garbage", "killed", null: what becomes of whoever asks
     "devices": [{"uuid", "name", "total", "base": bytes in use without anybody, "error": code or null,
                  "list_error": code or null, "mig": [the same, …] or absent}],
     "holds": [{"device": its uuid, "pid", "bytes": or null, "type": "compute", "graphics" or "mps",
                "listed": how long the process is listed, "used": how long its memory is in use}]}

How long: "alive", "for ever", "never", or for how many questions after the process's death.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

NVML_DEVICE_MIG_DISABLE = 0
NVML_DEVICE_MIG_ENABLE = 1

_STATE = Path(__file__).with_name("gpu.json")
_ERRORS = {
    1: ("Uninitialized", "Uninitialized"),
    3: ("NotSupported", "Not Supported"),
    4: ("NoPermission", "Insufficient Permissions"),
    6: ("NotFound", "Not Found"),
    9: ("DriverNotLoaded", "Driver Not Loaded"),
    12: ("LibraryNotFound", "NVML Shared Library Not Found"),
    13: ("FunctionNotFound", "Function Not Found"),
    15: ("GpuIsLost", "GPU is lost"),
    16: ("ResetRequired", "GPU requires restart"),
    999: ("Unknown", "Unknown Error"),
}


class NVMLLibraryMismatchError(Exception):
    pass


class NVMLError(Exception):
    def __new__(cls, value: int) -> NVMLError:
        error = Exception.__new__(_CLASSES.get(value, cls))
        error.value = value
        return error

    def __str__(self) -> str:
        return _ERRORS[self.value][1]


_CLASSES: dict[int, type[NVMLError]] = {}
for _code, (_name, _words) in _ERRORS.items():
    _CLASSES[_code] = globals()[f"NVMLError_{_name}"] = type(f"NVMLError_{_name}", (NVMLError,), {})

_machine: dict[str, Any] | None = None


class _Memory:
    def __init__(self, total: int, used: int) -> None:
        self.total, self.used, self.free = total, used, total - used


class _Process:
    def __init__(self, pid: int, used: int | None) -> None:
        self.pid, self.usedGpuMemory = pid, used


def nvmlInit() -> None:
    global _machine  # noqa: PLW0603 - as the real library
    machine = json.loads(_STATE.read_text())
    trouble = machine.get("trouble")
    if trouble == "hang":
        time.sleep(3600)
    elif trouble == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif trouble == "garbage":
        sys.stdout.write('{"devices": [{"uuid"')
        sys.stdout.flush()
        os._exit(0)
    _check(machine.get("init_error"))
    for hold in machine["holds"]:
        hold["since"] = _questions_since_death(hold["pid"])
    _machine = machine


def nvmlShutdown() -> None:
    global _machine  # noqa: PLW0603 - as the real library
    _initialised()
    _machine = None


def nvmlSystemGetDriverVersion() -> str:
    return str(_initialised()["driver_version"])


def nvmlDeviceGetCount() -> int:
    return len(_initialised()["devices"])


def nvmlDeviceGetHandleByIndex(index: int) -> dict[str, Any]:
    device = _initialised()["devices"][index]
    _check(device.get("error"))
    return device


def nvmlDeviceGetUUID(handle: dict[str, Any]) -> str:
    return str(handle["uuid"])


def nvmlDeviceGetName(handle: dict[str, Any]) -> str:
    return str(handle["name"])


def nvmlDeviceGetMemoryInfo(handle: dict[str, Any], version: int | None = None) -> _Memory:
    if handle["total"] is None:
        raise NVMLError(3)
    used = [hold["bytes"] or 0 for hold in _holds(handle) if _lasts(hold, hold.get("used", "alive"))]
    return _Memory(handle["total"], handle["base"] + sum(used))


def nvmlDeviceGetComputeRunningProcesses(handle: dict[str, Any]) -> list[_Process]:
    return _listed(handle, "compute")


def nvmlDeviceGetGraphicsRunningProcesses(handle: dict[str, Any]) -> list[_Process]:
    return _listed(handle, "graphics")


def nvmlDeviceGetMPSComputeRunningProcesses(handle: dict[str, Any]) -> list[_Process]:
    return _listed(handle, "mps")


def nvmlDeviceGetMigMode(device: dict[str, Any]) -> list[int]:
    if "mig" not in device:
        raise NVMLError(3)
    return [NVML_DEVICE_MIG_ENABLE, NVML_DEVICE_MIG_ENABLE]


def nvmlDeviceGetMaxMigDeviceCount(device: dict[str, Any]) -> int:
    return 7


def nvmlDeviceGetMigDeviceHandleByIndex(device: dict[str, Any], index: int) -> dict[str, Any]:
    if index >= len(device["mig"]):
        raise NVMLError(6)
    part: dict[str, Any] = device["mig"][index]
    _check(part.get("error"))
    return part


def _initialised() -> dict[str, Any]:
    if _machine is None:
        raise NVMLError(1)
    return _machine


def _check(code: int | None) -> None:
    if code is not None:
        raise NVMLError(code)


def _holds(handle: dict[str, Any]) -> list[dict[str, Any]]:
    return [hold for hold in _initialised()["holds"] if hold["device"] == handle["uuid"]]


def _listed(handle: dict[str, Any], type_: str) -> list[_Process]:
    _check(handle.get("list_error"))
    if type_ == "mps" and handle.get("no_mps"):
        raise NVMLLibraryMismatchError
    return [
        _Process(hold["pid"], hold["bytes"])
        for hold in _holds(handle)
        if hold.get("type", "compute") == type_ and _lasts(hold, hold.get("listed", "alive"))
    ]


def _lasts(hold: dict[str, Any], how_long: str | int) -> bool:
    if isinstance(how_long, str):
        return how_long == "for ever" or (how_long == "alive" and hold["since"] == 0)
    return bool(hold["since"] <= how_long)


def _questions_since_death(pid: int) -> int:
    """This one counted; 0 while it lives."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        if stat[stat.rindex(")") + 2] not in "ZX":
            return 0
    except OSError:
        pass
    counted = _STATE.with_name(f"questions-{pid}")
    questions = (counted.stat().st_size if counted.exists() else 0) + 1
    counted.write_text("x" * questions)
    return questions
