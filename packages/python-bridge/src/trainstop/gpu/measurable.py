"""What this machine can measure of GPUs, in a sentence: for `trainstop doctor`."""

from __future__ import annotations

from trainstop.gpu.driver import NO_DRIVER, has_driver, in_container
from trainstop.gpu.probe import ask_driver


def what_can_be_measured() -> tuple[bool, str]:
    """(whether the release of GPUs can be measured here, a sentence). Asks the driver: blocks for up to 15
    s."""
    if not has_driver():
        return False, NO_DRIVER
    answer = ask_driver()
    if "unavailable" in answer:
        return False, str(answer["unavailable"])
    readable = [device for device in answer["devices"] if device["error"] is None]
    if not readable:
        why = next((f" {d['error']}." for d in answer["devices"]), "")
        return False, f"NVIDIA's driver {answer['driver_version']} has no GPU that can be asked.{why}"
    names = ", ".join(sorted({str(device["name"]) for device in readable}))
    count = "1 GPU" if len(readable) == 1 else f"{len(readable)} GPUs"
    sentence = f"NVIDIA's driver {answer['driver_version']} tells who holds {count} ({names})"
    if in_container():
        return True, f"{sentence}, but to this container perhaps not by its own process numbers."
    return True, f"{sentence}."
