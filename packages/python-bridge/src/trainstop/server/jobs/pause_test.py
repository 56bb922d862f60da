from __future__ import annotations

import pytest

from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal


def test_a_pause_that_is_obeyed_leaves_a_paused_job_with_a_checkpoint(desk: Desk) -> None:
    job_id = desk.running()
    command = desk.pause(job_id)["command"]
    assert desk.status(job_id) == "pausing"
    assert command["term_at"] is None
    assert command["deadline"] is not None
    desk.obey(job_id)
    job = desk.job(job_id)
    assert job["status"] == "paused"
    assert job["last_command"]["status"] == "succeeded"
    assert job["last_checkpoint"]["verified"]
    assert job["capabilities"]["resume"]["allowed"]
    assert job["ended_at"] is None and job["end"] is None


def test_a_pause_before_the_start_keeps_the_job_from_starting(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.pause(job_id)["job"]["status"] == "paused"
    assert desk.command(job_id)["status"] == "succeeded"
    assert not desk.jobs.claim_launch(job_id, 1)
    assert desk.jobs.supervised() == []


def test_a_pause_whose_deadline_passes_expires_and_the_run_goes_on(desk: Desk) -> None:
    job_id = desk.running()
    command = desk.pause(job_id, grace_seconds=5)["command"]
    desk.tell(job_id, "supervisor", "expired", command_id=command["id"])
    job = desk.job(job_id)
    assert job["status"] == "running"
    assert job["last_command"]["status"] == "expired"
    supervised = desk.jobs.supervised_job(job_id)
    assert supervised is not None and supervised.control is None


def test_a_run_that_leaves_for_an_expired_pause_is_paused_all_the_same(desk: Desk) -> None:
    job_id = desk.running()
    command = desk.pause(job_id)["command"]
    desk.tell(job_id, "supervisor", "expired", command_id=command["id"])
    desk.save(job_id, command_id=command["id"])
    desk.leave(job_id, "pause")
    desk.exit(job_id, 0)
    assert desk.status(job_id) == "paused"
    assert desk.command(job_id)["status"] == "expired"


def left_unseen(desk: Desk, *, without: str | None = None, exit_code: int | None = None) -> str:
    """A run that obeys a pause, and whose end nobody sees. `without`: a part of it that is missing."""
    job_id = desk.running()
    desk.tell(job_id, "rank-1", "attached", pid=8, start_ticks=1, version="0", resumed_from=None)
    command_id = desk.pause(job_id)["command"]["id"]
    for rank in ("rank-0", "rank-1"):
        if without != f"{rank} acknowledged":
            desk.tell(job_id, rank, "acknowledged", command_id=command_id, step=1)
    if without != "saved":
        desk.save(job_id, command_id=command_id, verified=without != "verified")
    for rank in ("rank-0", "rank-1"):
        if without != f"{rank} left":
            reason = "error" if without == "well" else "pause"
            desk.tell(job_id, rank, "left", reason=reason, command_id=command_id, step=1)
    if exit_code is not None:
        desk.tell(job_id, "shim", "main_exited", exit_code=exit_code, signal=None)
    desk.tell(job_id, "supervisor", "unsupervised")
    desk.tell(job_id, "supervisor", "gone")
    return job_id


@pytest.mark.parametrize("exit_code", [None, 0])
def test_a_pause_that_was_obeyed_in_all_is_one_although_nobody_saw_the_end(
    desk: Desk, exit_code: int | None
) -> None:
    job_id = left_unseen(desk, exit_code=exit_code)
    job = desk.job(job_id)
    assert (job["status"], job["health"], job["end"]) == ("paused", "ok", None)
    assert (job["last_command"]["status"], job["last_command"]["message"]) == ("succeeded", None)
    exited = next(each for each in job["last_command"]["receipts"] if each["stage"] == "process_exited")
    assert "nobody saw how it ended" in exited["detail"]
    desk.resume(job_id)
    assert desk.spec(job_id)["resume"]["checkpoint_id"] == job["last_checkpoint"]["id"]


@pytest.mark.parametrize(
    "missing",
    ["saved", "verified", "well", "rank-0 acknowledged", "rank-1 acknowledged", "rank-0 left", "rank-1 left"],
)
def test_a_pause_of_which_a_part_is_missing_was_interrupted(desk: Desk, missing: str) -> None:
    job = desk.job(left_unseen(desk, without=missing))
    assert (job["status"], job["end"]["cause"]) == ("failed", "interrupted")
    assert job["last_command"]["status"] == "failed"


def test_a_pause_after_which_the_process_broke_has_failed_whoever_died_then(desk: Desk) -> None:
    assert desk.status(left_unseen(desk, exit_code=1)) == "failed"


def test_an_expiry_that_comes_after_the_run_left_changes_nothing(desk: Desk) -> None:
    job_id = desk.paused()
    before = desk.job(job_id)
    desk.tell(job_id, "supervisor", "expired", command_id=before["last_command"]["id"])
    assert desk.job(job_id) == before


def test_a_pause_that_expires_before_the_process_runs_leaves_the_job_waiting_for_it(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    command = desk.pause(job_id)["command"]
    assert desk.status(job_id) == "pausing"
    desk.tell(job_id, "supervisor", "expired", command_id=command["id"])
    assert desk.status(job_id) == "pending"
    desk.tell(job_id, "shim", "started", pid=7, start_ticks=1)
    assert desk.status(job_id) == "running"


def test_a_run_that_crashes_while_pausing_has_failed(desk: Desk) -> None:
    job_id = desk.running()
    desk.pause(job_id)
    desk.exit(job_id, 3)
    job = desk.job(job_id)
    assert job["status"] == "failed"
    assert job["end"]["cause"] == "crashed"
    assert job["last_command"]["status"] == "failed"
    assert len(job["last_command"]["receipts"]) == 7


def test_a_run_that_finishes_while_pausing_is_completed(desk: Desk) -> None:
    job_id = desk.running()
    desk.pause(job_id)
    desk.leave(job_id, "finished")
    desk.exit(job_id, 0)
    assert desk.status(job_id) == "completed"
    assert desk.command(job_id)["status"] == "failed"


def test_a_pause_without_a_save_says_so_and_offers_no_resume(desk: Desk) -> None:
    job_id = desk.paused(save=False)
    job = desk.job(job_id)
    assert job["status"] == "paused"
    assert "nothing was saved" in job["last_command"]["message"]
    assert job["capabilities"]["resume"] == {
        "allowed": False,
        "reason": "It has no verified checkpoint to go on from.",
    }


def test_a_second_pause_joins_the_first_and_one_of_a_paused_job_has_nothing_to_do(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.pause(job_id)["command"]
    assert desk.pause(job_id, grace_seconds=1)["command"] == first
    desk.obey(job_id)
    before = desk.job(job_id)
    assert desk.pause(job_id)["outcome"] == "no_op"
    assert desk.job(job_id) == before


def test_the_key_of_a_pause_that_had_nothing_to_do_does_not_pause_later(desk: Desk) -> None:
    job_id = desk.paused()
    assert desk.pause(job_id, "k1")["outcome"] == "no_op"
    desk.resume(job_id)
    desk.run(job_id)
    assert desk.pause(job_id, "k1")["outcome"] == "no_op"
    assert desk.status(job_id) == "running"


def test_a_job_that_is_being_stopped_or_is_over_cannot_be_paused(desk: Desk) -> None:
    stopping = desk.running()
    desk.cancel(stopping)
    for job_id, status in ((stopping, "stopping"), (desk.stopped(), "cancelled")):
        before = desk.job(job_id)
        with pytest.raises(Refusal) as refused:
            desk.pause(job_id)
        assert (refused.value.code, refused.value.job_status) == ("conflict", status)
        assert desk.job(job_id) == before
