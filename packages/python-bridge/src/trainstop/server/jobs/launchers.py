"""What starts a run's processes and kills them, after a SIGTERM of its own, in a time that is not ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

KILL_SECONDS = {"torchrun": 30.0, "Slurm": 30.0}
"""From its SIGTERM to its SIGKILL, as it comes: torch.distributed.elastic's `PContext.close(timeout=30)`, and
Slurm's `KillWait`."""

_TORCHRUN = ("torchrun", "torch.distributed.run", "torch.distributed.launch")


def launchers_of(argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    found = []
    words = [PurePath(word).name for word in argv]
    if any(word in _TORCHRUN for word in words):
        found.append("torchrun")
    if "SLURM_JOB_ID" in environment:
        found.append("Slurm")
    return found
