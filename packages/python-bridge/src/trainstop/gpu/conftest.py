"""A machine with GPUs that aren't there: a Python installation in which the library that asks the driver is
a fake.

Everything else is real: shim, probe and server are started with its `python` as they are with any other, and
no switch in what is shipped makes them take the fake.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).parents[3] / "fake_gpu"
GIB = 1 << 30

QUICK: dict[str, dict[str, float]] = {
    "trainstop.shim.gpu_watch": {"FIRST_SECONDS": 0.02, "LONGEST_SECONDS": 0.1},
    "trainstop.gpu.release": {"AGAIN_SECONDS": 0.01},
}


class FakeMachine:
    """One H100 and nobody on it, until a test says otherwise. `python` is its interpreter."""

    def __init__(self, directory: Path) -> None:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.place = directory / "lib" / version / "site-packages"
        self.python = directory / "bin" / "python"
        self.place.mkdir(parents=True)
        self.python.parent.mkdir()
        base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
        self.python.symlink_to(base)
        (directory / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
        for file in FAKE.glob("*.py"):
            shutil.copy(file, self.place)
        paths = [path for path in sys.path if Path(path).is_dir() and not path.startswith(sys.base_prefix)]
        (self.place / "machine.pth").write_text("\n".join([*paths, "import fake_gpu_machine", ""]))
        self.settings: dict[str, Any] = {"container": False, "uses_device": True, "constants": QUICK}
        self.state: dict[str, Any] = {
            "driver_version": "570.86.15",
            "init_error": None,
            "trouble": None,
            "devices": [device()],
            "holds": [],
        }
        self.set()
        self.change()

    def set(self, **settings: Any) -> None:
        """What is true of the whole machine. Before anything is started on it."""
        self.settings.update(settings)
        (self.place / "machine.json").write_text(json.dumps(self.settings))

    def change(self, **state: Any) -> None:
        """What the driver answers from now on; see `fake_gpu/pynvml.py`."""
        self.state.update(state)
        new = self.place / "gpu.json.new"
        new.write_text(json.dumps(self.state))
        new.replace(self.place / "gpu.json")

    def install_smi(self) -> None:
        """An `nvidia-smi` beside `python`."""
        script = self.python.with_name("nvidia-smi")
        script.write_text(f"#!{self.python}\n{(FAKE / 'nvidia_smi.py').read_text()}")
        script.chmod(0o755)

    def hold(self, pid: int, size: int | None = 23 * GIB, *, device: str = "GPU-0", **how: Any) -> None:
        """From now on this process holds memory of a device."""
        held = {"device": device, "pid": pid, "bytes": size, "type": "compute", **how}
        self.change(holds=[*self.state["holds"], held])


def device(uuid: str = "GPU-0", **changes: Any) -> dict[str, Any]:
    whole = {"uuid": uuid, "name": "NVIDIA H100", "total": 80 * GIB, "base": GIB // 2}
    return {**whole, "error": None, "list_error": None, **changes}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[FakeMachine]:
    yield FakeMachine(tmp_path / "machine")


def dead_pid() -> int:
    """A number that was a process's and is nobody's."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid
