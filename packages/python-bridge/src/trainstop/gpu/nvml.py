"""What is asked of NVML, and how its answers are read.

NVML is the driver's own library. What it answers, with the names of its documentation:

- every call may fail: no library, driver not loaded, GPU is lost, not supported, no permission, unknown
  error;
- processes are told by pid, of the machine and not of the container; a container may be told none;
- `usedGpuMemory` is not available under MIG without privileges, under WSL, and on some virtual GPUs;
- a GPU in MIG mode tells the processes of each of its instances through that instance's own handle;
- a client of MPS is told as one (`MPS`), and its server as a compute process of its own.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

INSTALL = 'pip install "trainstop[gpu]"'


def ask() -> dict[str, Any]:
    """`{driver_version, devices: […]}`, or `{unavailable: sentence, for_good}`. Blocks as long as the driver
    does.

    A device: `{uuid, index, mig, name, used_bytes, total_bytes, processes: [{pid, type, used_bytes}],
    error}`. `mig`: which instance of the GPU `index`, null for a whole one. `type`: `compute`, `graphics` or
    `mps`. What the driver doesn't tell is null. `error`: why this one can't be read; it has no processes
    then.
    """
    try:
        # By name: the library is optional, and bears no types.
        nvml = importlib.import_module("pynvml")
    except ImportError:
        sentence = f"The library that asks NVIDIA's driver is not installed: {INSTALL}"
        return {"unavailable": sentence, "for_good": True}
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return {"unavailable": _trouble(nvml, error), "for_good": False}
    try:
        version = nvml.nvmlSystemGetDriverVersion()
        count = nvml.nvmlDeviceGetCount()
        devices = [device for index in range(count) for device in _devices(nvml, index)]
        return {"driver_version": version, "devices": devices}
    except nvml.NVMLError as error:
        return {"unavailable": _trouble(nvml, error), "for_good": False}
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _trouble(nvml: Any, error: Exception) -> str:
    if isinstance(error, nvml.NVMLError_LibraryNotFound):
        return "This machine has no NVIDIA driver: its library libnvidia-ml.so.1 is not there."
    return f"NVIDIA's driver answers: {error}."


def _devices(nvml: Any, index: int) -> Iterator[dict[str, Any]]:
    """The GPU, or the instances that it is split into."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        yield _nothing_known(index, None, str(error))
        return
    if not _is_split(nvml, handle):
        yield _device(nvml, handle, index, None)
        return
    for instance in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            part = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, instance)
        except nvml.NVMLError_NotFound:
            continue
        except nvml.NVMLError as error:
            yield _nothing_known(index, instance, str(error))
        else:
            yield _device(nvml, part, index, instance)


def _is_split(nvml: Any, handle: Any) -> bool:
    try:
        current, _pending = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:  # most GPUs: not supported
        return False
    return bool(current == nvml.NVML_DEVICE_MIG_ENABLE)


def _nothing_known(index: int, mig: int | None, error: str | None) -> dict[str, Any]:
    return {
        **{"uuid": None, "index": index, "mig": mig, "name": None, "used_bytes": None, "total_bytes": None},
        **{"processes": [], "error": error},
    }


def _device(nvml: Any, handle: Any, index: int, mig: int | None) -> dict[str, Any]:
    device = _nothing_known(index, mig, None)
    try:
        device["uuid"] = nvml.nvmlDeviceGetUUID(handle)
        device["name"] = nvml.nvmlDeviceGetName(handle)
        with contextlib.suppress(nvml.NVMLError_NotSupported):  # unified memory, some virtual GPUs
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            device["used_bytes"], device["total_bytes"] = memory.used, memory.total
        device["processes"] = _processes(nvml, handle)
    except nvml.NVMLLibraryMismatchError:
        device["error"] = "the driver is too old to be asked for processes; version 510 or newer is needed"
    except nvml.NVMLError as error:
        device["error"] = str(error)
    return device


def _processes(nvml: Any, handle: Any) -> list[dict[str, Any]]:
    """Each pid once, with the most that any list says it uses."""
    found: dict[int, dict[str, Any]] = {}
    for type_, listed in (
        ("compute", nvml.nvmlDeviceGetComputeRunningProcesses(handle)),
        ("graphics", _if_supported(nvml, nvml.nvmlDeviceGetGraphicsRunningProcesses, handle)),
        ("mps", _if_supported(nvml, nvml.nvmlDeviceGetMPSComputeRunningProcesses, handle)),
    ):
        for process in listed:
            known = found.setdefault(process.pid, {"pid": process.pid, "type": type_, "used_bytes": None})
            if process.usedGpuMemory is not None:
                known["used_bytes"] = max(known["used_bytes"] or 0, process.usedGpuMemory)
    return list(found.values())


def _if_supported(nvml: Any, listing: Callable[[Any], list[Any]], handle: Any) -> list[Any]:
    try:
        return listing(handle)
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound, nvml.NVMLLibraryMismatchError):
        return []
