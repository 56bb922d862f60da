"""Every way to stop, to pause and to go on, asked at the command line of a training that really learns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trainstop.cli.conftest import Place, Said, serving_in

EXAMPLE = Path(__file__).parents[5] / "examples" / "training"
EPOCH, SAVES = 25, 60
"""Steps: 200 digits in batches of 8; and between two checkpoints."""
CONFIG = f"""
[templates.digits]
title = "Digits"
command = [
  "{{python}}", "train_digits.py",
  "--epochs", "100000", "--hidden", "320", "--save-every", "{{save_every}}",
]
cwd = "{EXAMPLE}"
best_metric = "eval_loss"

[templates.digits.params.save_every]
type = "integer"
default = {SAVES}
"""


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("digits")
    config = directory / "digits.toml"
    config.write_text(CONFIG)
    with serving_in(directory) as start:
        yield Place(directory, start("--config", str(config)).ready())


def begin(digits: Place, *params: str) -> str:
    """Id of a job that has saved, ended an epoch and measured how good it is."""
    job_id = json.loads(digits.say("start", "digits", *params, "--json").out)["id"]
    digits.job(job_id, lambda job: (job["progress"]["step"] or 0) >= 2 * SAVES)
    if not params:
        digits.job(job_id, lambda job: job["best_checkpoint"] is not None)
    return str(job_id)


def named(job: dict[str, Any], which: str) -> str | None:
    checkpoint = job[f"{which}_checkpoint"]
    return None if checkpoint is None else str(checkpoint["id"])


def left_at(digits: Place, job_id: str) -> int:
    """The step at which the run says that it leaves."""
    found = re.findall(r"asked to stop: leaving at step ([0-9]+) ", digits.say("logs", job_id).out)
    return int(found[-1])


def ended_well(said: Said) -> None:
    assert (said.code, said.err) == (0, ""), said
    assert re.search(r"checkpoint saved +done: step-[0-9-]+ verified, 2 files", said.out)
    assert "is cancelled after" in said.out
    assert "Stopped as asked, with a verified checkpoint." in said.out
    assert "this stop" not in said.out, "nothing was too short"


@pytest.mark.parametrize(
    ("mode", "steps", "place"),
    [("checkpoint", SAVES, "its next checkpoint"), ("epoch", EPOCH, "the end of its epoch")],
)
def test_a_stop_goes_on_to_the_place_that_it_names(digits: Place, mode: str, steps: int, place: str) -> None:
    job_id = begin(digits)
    said = digits.say("stop", job_id, "--mode", mode)
    ended_well(said)
    assert said.out.startswith(f"Stopping Digits ({job_id}), going on to {place}, for 1 h at most.\n")
    job = digits.job(job_id)
    step = job["last_checkpoint"]["step"]
    assert step % steps == 0
    # A checkpoint that was being written already will do; the step after it is then where the run leaves.
    assert left_at(digits, job_id) - step in (0, 1)
    assert f"stop ({mode}) by" in digits.say("show", job_id).out
    assert job["last_command"]["mode"] == mode


def test_where_the_place_does_not_come_the_stop_is_graceful_after_its_wait(digits: Place) -> None:
    job_id = begin(digits, "--param", "save_every=1000000")
    said = digits.say("stop", job_id, "--mode", "checkpoint", "--wait-seconds", "1")
    ended_well(said)
    assert "going on to its next checkpoint, for 1 s at most." in said.out
    assert digits.job(job_id)["last_checkpoint"]["step"] == left_at(digits, job_id) < 1_000_000


def test_who_stops_watching_a_stop_that_waits_can_still_make_it_urgent(digits: Place) -> None:
    job_id = begin(digits, "--param", "save_every=1000000")
    terminal = digits.terminal("stop", job_id, "--mode", "checkpoint")
    terminal.until("at most  (Ctrl-C: stop watching)")
    terminal.type("\x03")
    assert terminal.end().code == 130
    under_way = digits.say("show", job_id).out
    assert re.search(r"under way +stop \(checkpoint\) by .*, going on to its next checkpoint, for", under_way)
    assert digits.job(job_id)["status"] == "stopping"
    ended_well(digits.say("stop", job_id))


def test_a_wait_without_a_place_to_wait_for_is_a_mistake(digits: Place) -> None:
    said = digits.say("stop", "last", "--wait-seconds", "5")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "trainstop: --wait-seconds is for --mode checkpoint and --mode epoch; name one of them.\n"
    )


def test_a_run_that_never_comes_to_the_place_is_not_stopped_and_says_what_would(place: Place) -> None:
    job_id = place.start()
    for mode, why in (
        ("checkpoint", "The run has saved nothing yet and has not said that it saves on a schedule."),
        (
            "epoch",
            "The run has not told of the end of an epoch yet (run.end_epoch), so nobody knows when one",
        ),
    ):
        said = place.say("stop", job_id, "--mode", mode)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith(f"trainstop: {why}") and said.err.endswith("Use graceful or force.\n")
    assert place.job(job_id)["status"] == "running"
    place.force(job_id)


def test_a_hold_keeps_the_process_and_it_goes_on_at_its_step(digits: Place) -> None:
    job_id = begin(digits)
    assert "pause (also with --hold)" in digits.say("show", job_id).out
    held = digits.say("pause", job_id, "--hold")
    assert held.code == 0, held
    assert f"Digits ({job_id}) is paused after" in held.out
    assert "It stands still with everything in its memory, and keeps its GPU." in held.out
    assert f"let it go on with: trainstop resume {job_id}" in held.out
    assert "go on from it" not in held.out
    assert re.search(r"process exited +skipped: A hold keeps the process\.", held.out)
    row = next(line for line in digits.say("ls").out.splitlines() if line.startswith(job_id))
    assert " paused " in row and row.endswith("  held")

    acknowledged = re.search(r"acknowledged +done: step ([0-9]+)", held.out)
    assert acknowledged is not None
    stood = int(acknowledged[1])
    refused = digits.say("resume", job_id, "--from", "best")
    assert refused.code == 1 and "pause it without hold or stop it first" in refused.err
    # Steps are told four times a second: the last of them may come after the hold.
    digits.job(job_id, lambda job: job["progress"]["step"] == stood)

    resumed = digits.say("resume", job_id)
    assert (resumed.code, resumed.err) == (0, "")
    assert "skipped" not in resumed.out and f"Digits ({job_id}) is running" in resumed.out
    job = digits.job(job_id, lambda job: job["progress"]["step"] > stood + SAVES)
    assert job["attempt"] == 1
    assert "resumed from" not in digits.say("logs", job_id).out
    digits.force(job_id)


def test_a_held_run_can_be_stopped_with_a_checkpoint(digits: Place) -> None:
    job_id = begin(digits)
    assert digits.say("pause", job_id, "--hold").code == 0
    ended_well(digits.say("stop", job_id))
    assert digits.job(job_id)["last_checkpoint"]["step"] == left_at(digits, job_id)


def test_a_stopped_run_goes_on_from_its_best_checkpoint(digits: Place) -> None:
    job_id = begin(digits)
    # Until the newest is not the best any more: it learns its few digits by heart.
    digits.job(job_id, lambda job: named(job, "best") not in (None, named(job, "last")))
    assert digits.say("stop", job_id, "--reason", "overfitting").code == 0
    best = digits.job(job_id)["best_checkpoint"]
    listed = digits.say("checkpoints", job_id).out
    assert re.search(rf"^{best['id']} .* yes, the best ", listed, re.MULTILINE)
    saved = json.loads(digits.say("checkpoints", job_id, "--json").out)["checkpoints"]
    assert best["metrics"]["eval_loss"] == min(each["metrics"]["eval_loss"] for each in saved)

    resumed = digits.say("resume", job_id, "--from", "best")
    new = digits.job(job_id)["resumed_as"]
    assert resumed.code == 0
    assert resumed.out.startswith(f"Digits ({job_id}) goes on from {best['id']} as {new}.\n")
    digits.job(new, lambda job: (job["progress"]["step"] or 0) > best["step"])
    assert digits.say("logs", new).out.startswith(f"resumed from {best['id']}, step {best['step']} / ")
    shown = digits.say("show", new).out
    assert re.search(rf"goes on from +{job_id}, {best['id']}\n", shown)
    digits.force(new)


def test_a_paused_run_goes_on_from_the_checkpoint_that_is_named(digits: Place) -> None:
    job_id = begin(digits)
    assert digits.say("pause", job_id).code == 0
    saved = json.loads(digits.say("checkpoints", job_id, "--json").out)["checkpoints"]
    older = saved[1]
    nothing = digits.say("resume", job_id, "--from", "step-99999999")
    assert nothing.code == 1 and "no verified checkpoint step-99999999" in nothing.err
    assert digits.job(job_id)["status"] == "paused"

    resumed = digits.say("resume", job_id, "--from", older["id"])
    assert resumed.code == 0, resumed
    digits.job(job_id, lambda job: job["progress"]["step"] > older["step"])
    log = digits.say("logs", job_id).out
    assert log.startswith(f"resumed from {older['id']}, step {older['step']} / ")
    assert digits.job(job_id)["attempt"] == 2
    digits.force(job_id)
