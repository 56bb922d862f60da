"""Where each file of a run directory lies."""

from __future__ import annotations

import os
from pathlib import Path

KEPT_NAME = "output.kept.json"
LARGEST_SPEC_BYTES = 64 << 20
"""It holds a whole command and its environment."""


class RunDir:
    """Paths of one attempt of one job. Touches nothing on disk by itself."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def of(cls, data_dir: Path, job_id: str, attempt: int) -> RunDir:
        return cls(job_dir(data_dir, job_id) / "attempts" / str(attempt))

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def control(self) -> Path:
        return self.path / "control.json"

    @property
    def shim_identity(self) -> Path:
        return self.path / "shim.json"

    @property
    def shim_journal(self) -> Path:
        return self.path / "shim.jsonl"

    @property
    def shim_wake(self) -> Path:
        return self.path / "shim.wake"

    @property
    def shim_lock(self) -> Path:
        return self.path / "shim.lock"

    @property
    def shim_log(self) -> Path:
        return self.path / "shim.log"

    @property
    def exit_record(self) -> Path:
        return self.path / "exit.json"

    @property
    def output(self) -> Path:
        return self.path / "output.log"

    @property
    def output_kept(self) -> Path:
        return self.path / KEPT_NAME

    def rank_journal(self, rank: int) -> Path:
        return self.path / f"rank-{rank}.jsonl"

    def rank_wake(self, rank: int) -> Path:
        return self.path / f"rank-{rank}.wake"

    def rank_journals(self) -> list[Path]:
        return sorted(self.path.glob("rank-*.jsonl"))

    def rank_wakes(self) -> list[Path]:
        return sorted(self.path.glob("rank-*.wake"))

    def has_ranks(self) -> bool:
        """Whether any rank has come here, be it long ago. Raises OSError where that can't be seen."""
        return any(name.startswith("rank-") for name in os.listdir(self.path))  # noqa: PTH208 - a plain list

    @property
    def checkpoints(self) -> Path:
        """Checkpoints belong to the job, so that a later attempt finds those of an earlier one."""
        return self.path.parent.parent / "checkpoints"


def job_dir(data_dir: Path, job_id: str) -> Path:
    return data_dir / "jobs" / job_id


def server_wake(data_dir: Path) -> Path:
    return data_dir / "server.wake"
