"""Holds and waiting stops with real shims and real training, and `kill -9` in the middle of a hold."""

from __future__ import annotations

import os
import signal
from typing import Any

from trainstop.rundir.atomic_file import read_json
from trainstop.server.supervision.conftest import Desk, serving, until


def is_held(desk: Desk, job_id: str) -> dict[str, Any] | None:
    job = desk.job(job_id)
    return job if job["held"] and job["command"] is None else None


def hold(desk: Desk, job_id: str) -> int:
    """Returns the step at which it stands."""
    until(lambda: desk.is_training(job_id), "training")
    desk.pause(job_id, hold=True)
    until(lambda: is_held(desk, job_id), "the hold")
    return int(desk.receipts(job_id)["acknowledged"]["detail"].removeprefix("step "))


def goes_on(desk: Desk, job_id: str, step: int) -> None:
    desk.resume(job_id)
    until(lambda: desk.job(job_id)["status"] == "running", "the run to go on")
    until(lambda: desk.steps(job_id)[-1] > step, "the next steps")
    assert desk.job(job_id)["attempt"] == 1
    assert (desk.place / "tally").read_text() == "started "


def test_a_run_is_held_by_one_server_and_goes_on_under_another(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        step = hold(desk, job_id)
    with serving(desk.place):
        until(desk.jobs.supervised, "the held job to be found")
        assert is_held(desk, job_id)
        goes_on(desk, job_id, step)
        desk.cancel(job_id)
        assert until(lambda: desk.ended(job_id), "the end")["status"] == "cancelled"
    steps = desk.steps(job_id)
    assert steps == list(range(1, len(steps) + 1))
    desk.expect_nobody_left(job_id)


def test_a_cancel_of_a_held_run_saves_at_that_very_step(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        step = hold(desk, job_id)
        desk.cancel(job_id)
        job = until(lambda: desk.ended(job_id), "the end")
    assert (job["status"], job["last_checkpoint"]["step"]) == ("cancelled", step)
    assert {each["state"] for each in desk.receipts(job_id).values()} <= {"done", "not_measured"}


def test_a_held_run_can_leave_and_go_on_as_another_attempt(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        hold(desk, job_id)
        desk.pause(job_id)
        until(lambda: desk.job(job_id)["status"] == "paused" and not desk.job(job_id)["held"], "the pause")
        desk.resume(job_id)
        until(lambda: desk.job(job_id)["status"] == "running", "the next attempt")
        assert desk.job(job_id)["attempt"] == 2
        desk.cancel(job_id, mode="force")
        until(lambda: desk.ended(job_id), "the end")


def test_a_main_process_that_is_killed_while_it_is_held_has_failed(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        hold(desk, job_id)
        os.kill(int(desk.told(job_id, "started")[0]["pid"]), signal.SIGKILL)
        job = until(lambda: desk.ended(job_id), "the end")
    assert (job["status"], job["end"]["cause"], job["held"]) == ("failed", "killed", False)


def test_a_run_whose_shim_is_killed_while_it_is_held_goes_on_and_can_be_stopped(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        step = hold(desk, job_id)
        shim = read_json(desk.run(job_id).shim_identity)
        assert isinstance(shim, dict)
        os.kill(shim["pid"], signal.SIGKILL)
        until(lambda: desk.job(job_id)["health"] == "unsupervised", "the loss to be seen")
        assert is_held(desk, job_id)
        goes_on(desk, job_id, step)
        desk.cancel(job_id)
        job = until(lambda: desk.ended(job_id), "the end")
    assert job["status"] == "cancelled"
    desk.expect_nobody_left(job_id)


def test_a_frozen_run_is_not_held_and_the_pause_expires(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        until(lambda: desk.is_training(job_id), "training")
        pid = int(desk.told(job_id, "started")[0]["pid"])
        os.kill(pid, signal.SIGSTOP)
        try:
            desk.pause(job_id, hold=True, grace_seconds=1)
            until(lambda: desk.job(job_id)["status"] == "running", "the pause to expire")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert desk.job(job_id)["last_command"]["status"] == "expired"
        seen = len(desk.steps(job_id))
        until(lambda: desk.is_training(job_id, seen), "the run to go on")
        desk.cancel(job_id, mode="force")
        until(lambda: desk.ended(job_id), "the end")


def test_a_stop_at_the_next_checkpoint_leaves_there_and_its_deadline_comes_sooner(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        until(
            lambda: "checkpoint" in desk.job(job_id)["capabilities"]["modes"],
            "the run to tell that it saves on a schedule",
        )
        desk.cancel(job_id, mode="checkpoint", wait_seconds=3000)
        job = until(lambda: desk.ended(job_id), "the end")
    assert job["status"] == "cancelled"
    assert job["last_checkpoint"]["step"] % 200 == 0  # save_every
    command = job["last_command"]
    assert command["mode"] == "checkpoint"
    assert command["deadline"] < command["wait_until"]
    assert {each["state"] for each in desk.receipts(job_id).values()} <= {"done", "not_measured"}
