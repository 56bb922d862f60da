"""Is what was saved really there: facts about checkpoints, completed with what the disk says."""

from __future__ import annotations

import re
from typing import Any

from trainstop.checkpoints.verification import verify
from trainstop.rundir.layout import RunDir

_CHECKPOINT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def verify_checkpoint(run: RunDir, job_id: str, fact: dict[str, Any]) -> dict[str, Any]:
    """The `checkpoint` fact with `path`, `verified`, `problem`, `saved_at`. Reads every byte.

    Raises ValueError for an id that no checkpoint can have (it would lead out of the directory, say).
    The training process is not taken at its word: the directory must hold the manifest of this very
    checkpoint of this very job.
    """
    checkpoint_id = fact.get("checkpoint_id")
    if not isinstance(checkpoint_id, str) or not _CHECKPOINT_ID.fullmatch(checkpoint_id):
        raise ValueError(f"{checkpoint_id!r:.80} is no checkpoint's id")
    path = run.checkpoints / checkpoint_id
    verification = verify(path)
    manifest = verification.manifest
    problem_found = str(verification.problems[0]) if verification.problems else None
    if manifest is not None and (manifest["checkpoint_id"] != checkpoint_id or manifest["job_id"] != job_id):
        problem_found = f"its manifest is that of {manifest['checkpoint_id']} of job {manifest['job_id']}"
    return {
        **fact,
        "path": str(path),
        "verified": problem_found is None,
        "problem": problem_found,
        "saved_at": fact["at"] if manifest is None else manifest["saved_at"],
    }
