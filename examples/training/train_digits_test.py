"""The digits run: stopped anywhere and resumed it ends like one never stopped, and it runs alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainstop.checkpoints.published import last_good
from trainstop.training.conftest import PATIENCE_SECONDS, Launched, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from numpy.typing import NDArray

SCRIPT = str(Path(__file__).with_name("train_digits.py"))
# 4 epochs of 31 steps, the last of each with a batch of its own size.
SMALL = [
    "--epochs",
    "4",
    "--learning-rate",
    "0.02",
    "--hidden",
    "24",
    "--train-size",
    "245",
    "--evaluate-every",
    "7",
    "--save-every",
    "1000",
]
TOTAL_STEPS = 4 * 31


def arrays_of(checkpoints: Path) -> dict[str, NDArray[np.generic]]:
    found = last_good(checkpoints)
    assert found is not None
    assert found[1]["step"] == TOTAL_STEPS
    with np.load(found[0] / "arrays.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}


@pytest.fixture(scope="module")
def uninterrupted(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, NDArray[np.generic]]:
    """Weights and optimizer at the end of a run alone that nothing interrupted."""
    folder = tmp_path_factory.mktemp("alone")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRAINSTOP")}
    done = subprocess.run(
        [sys.executable, SCRIPT, *SMALL],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "done"
    assert re.search(
        r"epoch 4 / 4  step 119 / 124  eval loss \d\.\d{4}  accuracy \d+\.\d%",
        done.stdout,
    )
    return arrays_of(folder / "checkpoints" / "train_digits")


class LaunchedDigits(Launched):
    """Stops by itself at `stop_at`: the command is put in force by the script's own process, in that step."""

    def __init__(self, data_dir: Path, *, stop_at: int | None, attempt: int, resume: Path | None) -> None:
        wrapper = STOPS_AT if stop_at is not None else "import runpy, sys; sys.argv = sys.argv[2:]\n" + RUNS
        super().__init__(
            data_dir,
            ["-c", wrapper, str(stop_at), SCRIPT, *SMALL],
            attempt=attempt,
            resume=resume,
        )


RUNS = """
import os
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# No clock can hit a step. So the order is given from within the step itself, through the real control and
# wake files, and the step waits until the listener has armed the run.
STOPS_AT = (
    """
import json, os, runpy, sys, time
from pathlib import Path
from trainstop.rundir.layout import RunDir
from trainstop.rundir.wake import poke
from trainstop.training.run import Run
stop_at, sys.argv = int(sys.argv[1]), sys.argv[2:]
real_end_step = Run.end_step
def end_step(self, step, save_every=None):
    if step == stop_at:
        run_dir = RunDir(os.environ["TRAINSTOP_RUN_DIR"])
        os.replace(run_dir.path / "order.json", run_dir.control)
        poke(run_dir.rank_wake(0))
        while not self.stop_pending:
            time.sleep(0.001)
    return real_end_step(self, step, save_every)
Run.end_step = end_step
"""
    + RUNS
)


@pytest.mark.parametrize(
    "stops",
    [
        pytest.param([1, 31, 62], id="in-the-first-step-and-between-epochs"),
        pytest.param([17, 18, 123], id="within-epochs-and-in-the-last-but-one"),
    ],
)
def test_stopped_anywhere_and_resumed_it_ends_bit_identical(
    tmp_path: Path, stops: list[int], uninterrupted: dict[str, NDArray[np.generic]]
) -> None:
    resume: Path | None = None
    for attempt, stop_at in enumerate([*stops, None], 1):
        action: Literal["cancel", "pause"] = "pause" if attempt % 2 else "cancel"
        job = LaunchedDigits(tmp_path, stop_at=stop_at, attempt=attempt, resume=resume)
        # It is there long before the script has imported numpy, and is read only in its step.
        (job.run_dir.path / "order.json").write_text(json.dumps({"command": order(action)}))
        try:
            left = job.wait_for("left")
            assert job.end() == 0
            assert (left["reason"], left["step"]) == (
                (action, stop_at) if stop_at is not None else ("finished", TOTAL_STEPS)
            ), job.complaints()
            found = last_good(job.run_dir.checkpoints)
            assert found is not None
            assert found[1]["step"] == (stop_at or TOTAL_STEPS)
            resume = found[0]
        finally:
            job.close()

    ended = arrays_of(job.run_dir.checkpoints)
    assert ended.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        assert value.tobytes() == ended[name].tobytes(), name


def test_it_reports_losses_accuracy_and_how_far_it_is(tmp_path: Path) -> None:
    job = Launched(tmp_path, [SCRIPT, *SMALL])
    try:
        attached = job.wait_for("attached")
        assert (attached["total_steps"], attached["total_epochs"]) == (TOTAL_STEPS, 4)
        assert job.wait_for("left")["reason"] == "finished"
        rows = [row for fact in job.facts("metrics") for row in fact["rows"]]
        evaluated = [row for row in rows if "eval_loss" in row[3]]
        assert [row[0] for row in evaluated] == list(range(7, TOTAL_STEPS + 1, 7))
        assert all(0 < row[3]["eval_accuracy"] < 1 for row in evaluated)
        assert [row[0] for row in rows if "train_loss" in row[3]] == list(range(5, TOTAL_STEPS + 1, 5))
        assert evaluated[-1][3]["eval_loss"] < evaluated[0][3]["eval_loss"]
        assert job.wait_for("progress", step=TOTAL_STEPS, epoch=4)
    finally:
        job.close()


def test_nonsense_options_are_refused_with_a_plain_sentence() -> None:
    for options, sentence in (
        (["--epochs", "0"], "0 is less than 1"),
        (["--train-size", "1797"], "held out"),
    ):
        done = subprocess.run(
            [sys.executable, SCRIPT, *options],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 2
        assert sentence in done.stderr
