from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.layout import RunDir
from trainstop.server.supervision.checkpoint_verification import verify_checkpoint

AT = "2026-11-23T18:09:00.123Z"
SAVED_AT = "2026-11-23T18:08:59.000Z"
FACT = {"at": AT, "type": "checkpoint", "source": "rank-0", "checkpoint_id": "step-00000007", "step": 7}


def save(run: RunDir, **changes: Any) -> Path:
    checkpoint = run.checkpoints / "step-00000007"
    checkpoint.mkdir(parents=True)
    (checkpoint / "weights").write_bytes(b"weights")
    manifest = {
        "format": 1,
        "checkpoint_id": "step-00000007",
        "job_id": "job_a",
        "attempt": 1,
        "step": 7,
        "epoch": None,
        "saved_at": SAVED_AT,
        "save_seconds": 0.1,
        "reason": "scheduled",
        "metrics": {},
        "files": [{"path": "weights", "bytes": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}],
    }
    (checkpoint / "trainstop.json").write_text(json.dumps({**manifest, **changes}))
    return checkpoint


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return RunDir.of(tmp_path, "job_a", 2)


def test_a_whole_checkpoint_is_verified(run: RunDir) -> None:
    checkpoint = save(run)
    found = {"path": str(checkpoint), "verified": True, "problem": None, "saved_at": SAVED_AT}
    assert verify_checkpoint(run, "job_a", FACT) == {**FACT, **found}


def test_a_damaged_one_is_told_with_what_is_wrong(run: RunDir) -> None:
    (save(run) / "weights").write_bytes(b"Weights")
    found = verify_checkpoint(run, "job_a", FACT)
    assert not found["verified"]
    assert found["problem"] == "weights has other content than was saved"


def test_one_that_was_removed_meanwhile_is_not_verified(run: RunDir) -> None:
    found = verify_checkpoint(run, "job_a", FACT)
    assert not found["verified"]
    assert found["saved_at"] == AT


@pytest.mark.parametrize("changes", [{"job_id": "job_b"}, {"checkpoint_id": "step-00000006"}])
def test_the_checkpoint_of_another_job_or_step_is_not_taken_for_it(
    run: RunDir, changes: dict[str, str]
) -> None:
    save(run, **changes)
    found = verify_checkpoint(run, "job_a", FACT)
    assert not found["verified"]
    assert "its manifest is that of" in found["problem"]


@pytest.mark.parametrize("checkpoint_id", ["../../etc", "", "a/b", "x" * 65, None, 7, "."])
def test_an_id_that_leads_elsewhere_is_refused(run: RunDir, checkpoint_id: object) -> None:
    with pytest.raises(ValueError, match="no checkpoint's id"):
        verify_checkpoint(run, "job_a", {**FACT, "checkpoint_id": checkpoint_id})
