"""Whether this machine has an NVIDIA driver, and whose process numbers it tells. Asks the file system
only."""

from __future__ import annotations

import os

NO_DRIVER = "This machine has no NVIDIA driver."

_LIBRARY = "libnvidia-ml.so.1"
_LIBRARY_DIRECTORIES = (
    *("/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"),
    *("/usr/local/nvidia/lib64", "/usr/lib/wsl/lib", "/run/opengl-driver/lib"),
)
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # fixed in Linux (include/linux/proc_ns.h: PROC_PID_INIT_INO)


def has_driver() -> bool:
    """False only where nothing of a driver is there: its kernel side, its device, its library."""
    if os.path.exists("/proc/driver/nvidia") or os.path.exists("/dev/nvidiactl"):  # noqa: PTH110
        return True
    named = [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path]
    return any(os.path.exists(f"{place}/{_LIBRARY}") for place in (*_LIBRARY_DIRECTORIES, *named))  # noqa: PTH110


def in_container() -> bool:
    """In a pid namespace of one's own. The driver knows the machine's process numbers, and tells those (or
    none)."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino != _INITIAL_PID_NAMESPACE  # noqa: PTH116
    except OSError:
        return True


def uses_device(pid: int) -> bool:
    """Whether this process of ours has a GPU open. What a number told by the driver must be backed by inside
    a container, where it may by chance be that of another process."""
    if not in_container():
        return True
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(os.readlink(entry.path).startswith(("/dev/nvidia", "/dev/dxg")) for entry in entries)  # noqa: PTH115
    except OSError:  # gone, or not ours to look at
        return False
