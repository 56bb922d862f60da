"""`scripts/gpu-check` where there is no GPU, and on the tests' fake machine: real server, shims, probes and
runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainstop.gpu.conftest import QUICK, machine  # noqa: F401 - a fixture
from trainstop.gpu.driver import has_driver

if TYPE_CHECKING:
    from trainstop.gpu.conftest import FakeMachine

ROOT = Path(__file__).parents[3]
CHECK = Path(__file__).with_name("gpu_check.py")
SECONDS = 240


def check(
    python: str | Path, *arguments: str, path: str = "/usr/bin:/bin"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), str(CHECK), *arguments],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_on_a_machine_without_a_gpu_it_says_so_and_exits_with_2() -> None:
    if has_driver():
        done = check(sys.executable, "--help")
        assert done.returncode == 0
        return
    done = check(sys.executable)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout == (
        "This machine has no NVIDIA driver.\nThere is no GPU here that can be checked; nothing was done.\n"
    )


def test_the_script_of_a_clone_finds_its_environment_and_hands_over() -> None:
    done = subprocess.run(
        [str(ROOT / "scripts" / "gpu-check"), "--help"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: scripts/gpu-check" in done.stdout


def test_a_driver_without_a_gpu_is_no_gpu(machine: FakeMachine) -> None:  # noqa: F811
    machine.change(devices=[])
    done = check(machine.python)
    assert done.returncode == 2
    assert "has no GPU that can be asked" in done.stdout


@pytest.mark.parametrize("reader", ["pynvml", "nvidia-smi"])
def test_a_stop_is_told_with_memory_times_and_both_readings(machine: FakeMachine, reader: str) -> None:  # noqa: F811
    machine.set(hold={"listed": 3, "used": 3})
    if reader == "nvidia-smi":
        machine.install_smi()
    path = f"{machine.python.parent}:/usr/bin:/bin" if reader == "nvidia-smi" else "/usr/bin:/bin"
    done = check(machine.python, "--only", "force", "--mib", "1024", path=path)
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout
    assert "NVIDIA's driver 570.86.15 tells who holds 1 GPU (NVIDIA H100)." in out
    assert "GPU 0 (NVIDIA H100): 512 MiB in use before, 1,536 MiB during, 512 MiB after" in out
    assert re.search(
        rf"from stop to free, as {reader} reads it: \d+\.\d s; the run was over after \d+\.\d s", out
    )
    assert "our receipt: done. 0 of 1.0 GiB left on GPU 0 (NVIDIA H100), " in out
    assert out.endswith("Every GPU came free, and the receipts say so.\n")


@pytest.mark.heavy
def test_all_three_ways_to_stop_free_the_gpu(machine: FakeMachine) -> None:  # noqa: F811
    done = check(machine.python, "--mib", "1024")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^(\w+): ", done.stdout, re.MULTILINE) == ["graceful", "force", "daemon"]
    assert done.stdout.count("our receipt: done. ") == 3


@pytest.mark.heavy
def test_a_gpu_that_stays_held_is_a_failure_and_so_is_one_that_can_not_be_measured(
    machine: FakeMachine,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine.set(
        hold={"listed": "for ever", "used": "for ever"},
        constants={**QUICK, "trainstop.gpu.release": {"RELEASE_SECONDS": 1.0}},
    )
    done = check(machine.python, "--only", "force", "--mib", "1024")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "our receipt: failed. " in done.stdout
    assert "FAILED: the GPU did not come free; our receipt is failed" in done.stdout
