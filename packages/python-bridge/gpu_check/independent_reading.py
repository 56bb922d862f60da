"""Who holds how much of which GPU, by somebody else than Trainstop: nvidia-smi, or the library itself."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from dataclasses import dataclass, field

SMI_SECONDS = 60.0


@dataclass(frozen=True)
class Reading:
    used_bytes: dict[str, int] = field(default_factory=dict)
    """Device → in use, by whomever."""
    processes: dict[int, int] = field(default_factory=dict)
    """Pid → bytes on all devices together; 0 where that isn't told."""


def source() -> str:
    return "nvidia-smi" if shutil.which("nvidia-smi") else "pynvml"


def read() -> Reading:
    """Raises RuntimeError when the driver can't be asked."""
    return _by_smi() if source() == "nvidia-smi" else _by_library()


def _by_smi() -> Reading:
    used = {
        f"GPU {index} ({name})": int(mib) << 20 for index, name, mib in _smi("gpu", "index,name,memory.used")
    }
    processes: dict[int, int] = {}
    for pid, mib in _smi("compute-apps", "pid,used_memory"):
        processes[int(pid)] = processes.get(int(pid), 0) + (int(mib) << 20 if mib.isdigit() else 0)
    return Reading(used, processes)


def _smi(what: str, fields: str) -> list[list[str]]:
    command = ["nvidia-smi", f"--query-{what}={fields}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SMI_SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"nvidia-smi failed: {(done.stderr or done.stdout).strip()}")
    return [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip()]


def _by_library() -> Reading:
    nvml = importlib.import_module("pynvml")
    try:
        nvml.nvmlInit()
        used, processes = {}, {}
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            used[f"GPU {index} ({nvml.nvmlDeviceGetName(handle)})"] = nvml.nvmlDeviceGetMemoryInfo(
                handle
            ).used
            for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle):
                processes[process.pid] = processes.get(process.pid, 0) + (process.usedGpuMemory or 0)
        nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        raise RuntimeError(f"NVIDIA's driver answers: {error}.") from None
    return Reading(used, processes)
