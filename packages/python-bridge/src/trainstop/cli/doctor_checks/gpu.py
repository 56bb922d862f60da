"""Whether the release of GPUs can be measured."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from trainstop.cli.doctor_checks.finding import Finding, ok, warning

DRIVER = Path("/proc/driver/nvidia/version")
HOW = (
    "Stops work as well; their receipt for released GPUs says not_measured. With an NVIDIA GPU, run: pip "
    "install "
    '"trainstop[gpu]"'
)


def gpu(ask: Callable[[], tuple[bool, str]] | None = None) -> Finding:
    """Blocks for as long as the driver takes, at most 15 s."""
    if ask is None and importlib.util.find_spec("trainstop.gpu.measurable") is not None:
        from trainstop.gpu.measurable import what_can_be_measured

        ask = what_can_be_measured
    can, sentence = (ask or _looked_for)()
    return ok("gpu", sentence) if can else warning("gpu", sentence, HOW)


def _looked_for() -> tuple[bool, str]:
    if not DRIVER.exists():
        return False, "No NVIDIA driver was found on this machine."
    if importlib.util.find_spec("pynvml") is None:
        return False, "There is an NVIDIA driver, but nvidia-ml-py is not installed."
    return True, "There are an NVIDIA driver and nvidia-ml-py."
