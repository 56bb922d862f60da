"""Alone, without a server: the script runs the same, saves for real, and nothing listens."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import trainstop
from trainstop.checkpoints.published import last_good, published
from trainstop.checkpoints.verification import verify


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRAINSTOP_RUN_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


def train(run: trainstop.Run, steps: int, every: int = 10) -> int:
    step = int((run.resume_path / "step").read_text()) if run.resume_path else 0
    while step < steps:
        step += 1
        run.log({"loss": 1 / step}, step=step)
        turn = run.end_step(step, save_every=every)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (path / "step").write_text(str(step))
        if turn.stop:
            break
    return step


def test_it_saves_real_checkpoints_and_a_later_run_goes_on_from_the_last_good_one(tmp_path: Path) -> None:
    with trainstop.run(total_steps=35, checkpoint_dir=tmp_path / "saved") as run:
        assert run.resume_path is None
        train(run, 35)
    (tmp_path / "saved" / "step-00000030" / "step").write_text("99")  # damaged since
    with trainstop.run(checkpoint_dir=tmp_path / "saved", resume_from="last") as run:
        assert run.resume_path == tmp_path / "saved" / "step-00000020"
        assert verify(run.resume_path).ok
        assert train(run, 25) == 25


def test_nothing_listens_and_no_signal_is_touched(tmp_path: Path) -> None:
    threads, handlers = threading.active_count(), [signal.getsignal(n) for n in (2, 15)]
    with trainstop.run() as run:
        assert threading.active_count() == threads
        assert [signal.getsignal(n) for n in (2, 15)] == handlers
        assert not run.stop_pending
    assert list(tmp_path.iterdir()) == []


def test_the_default_directory_is_named_after_the_script(tmp_path: Path) -> None:
    script = tmp_path / "train_it.py"
    script.write_text(
        "import trainstop\n"
        "with trainstop.run() as run, run.checkpoint(step=1) as path:\n"
        "    (path / 'weights').write_text('w')\n"
    )
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True)
    found = last_good(tmp_path / "checkpoints" / "train_it")
    assert found is not None
    assert (found[1]["job_id"], found[1]["attempt"], found[1]["reason"]) == (None, None, "manual")


def test_what_another_run_saved_is_never_removed(tmp_path: Path) -> None:
    for _ in range(2):
        with trainstop.run(checkpoint_dir=tmp_path, keep=2) as run:
            train(run, 50)
    assert [path.name for path, _ in published(tmp_path)] == [
        "step-00000050-2",
        "step-00000040-2",
        "step-00000050",
        "step-00000040",
    ]


def test_with_keep_none_all_are_kept(tmp_path: Path) -> None:
    with trainstop.run(checkpoint_dir=tmp_path, keep=None) as run:
        train(run, 80)
    assert len(published(tmp_path)) == 8


def test_resuming_from_what_is_no_good_checkpoint_says_so_at_once(tmp_path: Path) -> None:
    with trainstop.run(checkpoint_dir=tmp_path) as run:
        train(run, 10)
    broken = tmp_path / "step-00000010"
    with trainstop.run(resume_from=broken) as run:
        assert run.resume_path == broken
    (broken / "step").unlink()
    with pytest.raises(ValueError, match=r"step is missing.*resume_from=\"last\""):
        trainstop.run(resume_from=broken).__enter__()
    with trainstop.run(checkpoint_dir=tmp_path, resume_from="last") as run:
        assert run.resume_path is None


def test_a_checkpoint_before_the_run_was_entered_says_that_nothing_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trainstop.run(checkpoint_dir=tmp_path)
    with run.checkpoint(step=1) as path:
        (path / "weights").write_text("w")
    assert not path.exists()
    assert list(tmp_path.iterdir()) == []
    assert "saves nothing" in capsys.readouterr().err
