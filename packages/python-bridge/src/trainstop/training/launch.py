"""Whether a shim launched this process, and with what."""

from __future__ import annotations

import os
from pathlib import Path

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.layout import LARGEST_SPEC_BYTES, RunDir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Launch:
    """One launched attempt, as its run directory tells it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raises OSError or ValueError when the run directory can't be used."""
        self.run_dir = RunDir(environment["TRAINSTOP_RUN_DIR"])
        spec = read_json(self.run_dir.spec, largest=LARGEST_SPEC_BYTES)
        if not isinstance(spec, dict):
            raise ValueError(f"{self.run_dir.spec} does not hold a job")
        self.job_id: str = spec["job_id"]
        self.attempt: int = spec["attempt"]
        wake = spec.get("server_wake")
        self.server_wake = Path(wake) if wake else None
        best = spec.get("best")
        self.best: tuple[str, str] | None = (best["metric"], best["mode"]) if best else None
        """What the operator's template names as the metric of the best checkpoint, and min or max."""
        resume = spec.get("resume")
        self.resume_id: str | None = resume["checkpoint_id"] if resume else None
        self.resume_path = Path(resume["path"]) if resume else None


def rank_of_this_process() -> int:
    """From `RANK`, as torchrun and most launchers name it; a single process has none and is 0."""
    rank = os.environ.get("RANK", "")
    return int(rank) if rank.isdecimal() else 0


def launch_of_this_process() -> Launch | None:
    """None: the script runs alone. Raises OSError, ValueError or LookupError for a broken run directory."""
    return Launch(os.environ) if os.environ.get("TRAINSTOP_RUN_DIR") else None
