"""Our grace against that of whoever stands around us: it must be the shorter one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping

from trainstop.cli.doctor_checks.finding import Finding, ok, warning

TORCHRUN_SECONDS = 30
"""What torchrun's agent gives its workers between SIGTERM and SIGKILL."""


def graces(
    grace_seconds: float, environment: Mapping[str, str], kill_wait: Callable[[], float | None] | None = None
) -> Finding:
    """Inwards they must shrink: Slurm's > ours > torchrun's > a save."""
    ours = f"A graceful stop has {grace_seconds:g} s, SIGTERM after three quarters of them"
    if "SLURM_JOB_ID" in environment:
        theirs = (kill_wait or _slurm_kill_wait)()
        if theirs is None:
            return warning(
                "graces",
                f"{ours}; this runs inside Slurm, whose KillWait can't be asked.",
                "When Slurm ends the allocation, it kills after KillWait (30 s by default), whatever we "
                "grant.",
            )
        if theirs < grace_seconds:
            return warning(
                "graces",
                f"{ours}; Slurm kills {theirs:g} s after its own SIGTERM.",
                f"When Slurm ends the allocation, a save has only that; ask for an early signal, as in "
                f"sbatch --signal=B:TERM@{round(grace_seconds) + 30}",
            )
    left = grace_seconds / 4
    after = f"the {TORCHRUN_SECONDS} s that torchrun gives its workers after that"
    fit = "fit in" if left >= TORCHRUN_SECONDS else f"end with ours, after {left:g} s"
    return ok("graces", f"{ours}; {after} {fit}.")


def _slurm_kill_wait() -> float | None:
    try:
        done = subprocess.run(
            ["scontrol", "show", "config"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"^KillWait\s*=\s*([0-9]+)", done.stdout, re.MULTILINE)
    return None if match is None else float(match[1])
