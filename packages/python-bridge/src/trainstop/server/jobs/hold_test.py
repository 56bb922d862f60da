"""A hold: the job is paused with its process standing still, and goes on, leaves or ends from there."""

from __future__ import annotations

import pytest

from trainstop.rundir.control import NEVER
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal


def test_a_hold_that_is_acknowledged_leaves_a_paused_job_with_its_process(desk: Desk) -> None:
    job_id = desk.running()
    command = desk.pause(job_id, hold=True)["command"]
    assert (desk.status(job_id), command["hold"], command["term_at"]) == ("pausing", True, None)
    desk.obey(job_id)
    job = desk.job(job_id)
    assert (job["status"], job["held"], job["ended_at"]) == ("paused", True, None)
    assert job["last_command"]["status"] == "succeeded"
    assert desk.receipts(job_id) == {
        "requested": "done",
        "accepted": "done",
        "delivered": "done",
        "acknowledged": "done",
        "checkpoint_saved": "skipped",
        "process_exited": "skipped",
        "resources_released": "skipped",
    }
    allowed = {name for name, can in job["capabilities"].items() if name != "modes" and can["allowed"]}
    assert allowed == {"cancel", "force", "pause", "resume"}
    assert job["capabilities"]["modes"] == ["graceful", "force"]


def test_it_stays_held_for_as_long_as_nobody_says_otherwise(desk: Desk) -> None:
    job_id = desk.held()
    hold = desk.command(job_id)
    supervised = desk.jobs.supervised()
    assert [job.job_id for job in supervised] == [job_id]
    control = desk.control(job_id)
    assert control is not None
    assert (control["id"], control["hold"], control["deadline"]) == (hold["id"], True, NEVER)
    before = desk.job(job_id)
    desk.tell(job_id, "supervisor", "expired", command_id=hold["id"])
    assert desk.job(job_id) == before


def test_a_held_job_takes_a_place(desk_with: object) -> None:
    desk = desk_with(1)  # type: ignore[operator]
    desk.held()
    waiting = desk.start()
    assert not desk.jobs.claim_launch(waiting, 1)


def test_every_rank_must_stand_still(desk: Desk) -> None:
    job_id = desk.running()
    desk.tell(job_id, "rank-1", "attached", total_steps=780, total_epochs=10, resumed_from=None)
    desk.pause(job_id, hold=True)
    desk.acknowledge(job_id)
    assert desk.status(job_id) == "pausing"
    desk.tell(job_id, "rank-1", "acknowledged", command_id=desk.active(job_id), step=1)
    assert desk.job(job_id)["held"]


def test_a_resume_lets_it_go_on_and_it_is_running_once_it_has_said_so(desk: Desk) -> None:
    job_id = desk.held()
    resume = desk.resume(job_id)["command"]
    job = desk.job(job_id)
    assert (job["status"], job["held"], job["command"]["id"]) == ("paused", True, resume["id"])
    assert not job["capabilities"]["resume"]["allowed"]
    assert desk.resume(job_id)["command"]["id"] == resume["id"]
    control = desk.control(job_id)
    assert control is not None and (control["action"], control["id"]) == ("resume", resume["id"])
    desk.obey(job_id)
    job = desk.job(job_id)
    assert (job["status"], job["held"], job["attempt"]) == ("running", False, 1)
    assert desk.control(job_id) is None
    assert desk.receipts(job_id) == {
        "requested": "done",
        "accepted": "done",
        "delivered": "done",
        "acknowledged": "done",
        "checkpoint_saved": "skipped",
        "process_exited": "skipped",
        "resources_released": "skipped",
    }


def test_a_resume_that_the_run_does_not_hear_expires_and_it_stays_held(desk: Desk) -> None:
    job_id = desk.held()
    desk.resume(job_id)
    desk.tell(job_id, "supervisor", "expired", command_id=desk.active(job_id))
    job = desk.job(job_id)
    assert (job["status"], job["held"]) == ("paused", True)
    assert job["last_command"]["status"] == "expired"
    assert "still held" in job["last_command"]["message"]
    control = desk.control(job_id)
    assert control is not None and control["hold"]


def test_a_held_run_goes_on_from_where_it_stands_and_from_nowhere_else(desk: Desk) -> None:
    job_id = desk.running()
    id_ = desk.save(job_id)
    desk.pause(job_id, hold=True)
    desk.acknowledge(job_id)
    with pytest.raises(Refusal) as refused:
        desk.resume(job_id, **{"from": id_})
    assert (refused.value.code, refused.value.field) == ("conflict", "from")


def test_a_hold_that_is_not_acknowledged_in_time_expires_and_the_run_goes_on(desk: Desk) -> None:
    job_id = desk.running()
    desk.pause(job_id, hold=True, grace_seconds=5)
    desk.tell(job_id, "supervisor", "expired", command_id=desk.active(job_id))
    job = desk.job(job_id)
    assert (job["status"], job["held"], job["last_command"]["status"]) == ("running", False, "expired")
    assert "did not stand still" in job["last_command"]["message"]
    assert desk.control(job_id) is None


@pytest.mark.parametrize("mode", ["graceful", "checkpoint", "epoch"])
def test_a_cancel_of_a_held_run_stops_it_there(desk: Desk, mode: str) -> None:
    job_id = desk.held()
    command = desk.cancel(job_id, mode=mode)["command"]
    assert (command["mode"], command["wait_until"]) == (
        "graceful",
        None,
    )  # it goes nowhere that it could wait for
    job = desk.job(job_id)
    assert (job["status"], job["held"]) == ("stopping", False)
    desk.obey(job_id)
    assert desk.status(job_id) == "cancelled"


def test_a_held_run_can_be_asked_to_leave_and_free_its_gpu(desk: Desk) -> None:
    job_id = desk.held()
    assert desk.pause(job_id, hold=True)["outcome"] == "no_op"
    assert desk.pause(job_id)["job"]["status"] == "pausing"
    desk.obey(job_id)
    job = desk.job(job_id)
    assert (job["status"], job["held"]) == ("paused", False)
    assert desk.jobs.supervised() == []
    assert desk.resume(job_id)["job"]["attempt"] == 2


def test_a_pause_to_leave_takes_the_place_of_a_hold_and_a_hold_joins_it(desk: Desk) -> None:
    job_id = desk.running()
    hold = desk.pause(job_id, hold=True)["command"]
    leave = desk.pause(job_id)["command"]
    assert leave["id"] != hold["id"]
    assert desk.pause(job_id, hold=True)["command"]["id"] == leave["id"]


def test_a_pause_beats_a_resume_that_the_run_has_not_heard(desk: Desk) -> None:
    job_id = desk.held()
    resume = desk.resume(job_id)["command"]
    desk.pause(job_id, hold=True)
    assert desk.jobs.command(job_id, resume["id"], None)["status"] == "superseded"
    assert desk.status(job_id) == "pausing"
    desk.acknowledge(job_id)
    assert desk.job(job_id)["held"]


@pytest.mark.parametrize(
    ("exit_code", "signal", "cause"), [(3, None, "crashed"), (None, 9, "killed"), (0, None, "completed")]
)
def test_a_process_that_dies_while_it_is_held_ends_the_job_with_its_own_cause(
    desk: Desk, exit_code: int | None, signal: int | None, cause: str
) -> None:
    job_id = desk.held()
    desk.exit(job_id, exit_code, signal)
    job = desk.job(job_id)
    assert (job["end"]["cause"], job["held"]) == (cause, False)


def test_a_held_run_that_nobody_saw_end_was_interrupted(desk: Desk) -> None:
    job_id = desk.held()
    desk.resume(job_id)
    desk.tell(job_id, "supervisor", "gone")
    job = desk.job(job_id)
    assert (job["status"], job["end"]["cause"]) == ("failed", "interrupted")
    assert job["last_command"]["status"] == "failed"


def test_a_run_that_was_held_before_and_finishes_before_it_hears_a_stop_is_completed(desk: Desk) -> None:
    job_id = desk.held()
    desk.resume(job_id)
    desk.obey(job_id)
    desk.cancel(job_id)
    desk.leave(job_id, "finished")
    desk.exit(job_id, 0)
    assert desk.status(job_id) == "completed"


def test_before_the_start_there_is_nothing_to_hold_and_the_job_waits(desk: Desk) -> None:
    job_id = desk.start()
    command = desk.pause(job_id, hold=True)["command"]
    job = desk.job(job_id)
    assert (job["status"], job["held"]) == ("paused", False)
    assert "none is held" in command["message"]
    assert not desk.jobs.claim_launch(job_id, 1)
    assert desk.resume(job_id)["job"]["status"] == "pending"


def test_the_time_held_says_nothing_about_how_fast_the_run_is(desk: Desk) -> None:
    job_id = desk.running()
    for step in (10, 20, 30):
        desk.clock.now += 1
        desk.tell(job_id, "rank-0", "progress", step=step, epoch=1)
    rate = desk.job(job_id)["progress"]["steps_per_second"]
    desk.pause(job_id, hold=True)
    desk.acknowledge(job_id)
    progress = desk.job(job_id)["progress"]
    assert (progress["steps_per_second"], progress["eta_seconds"], progress["step"]) == (None, None, 30)
    desk.clock.now += 5
    desk.resume(job_id)
    desk.obey(job_id)
    for step in (30, 40, 50):
        desk.clock.now += 1
        desk.tell(job_id, "rank-0", "progress", step=step, epoch=1)
    assert desk.job(job_id)["progress"]["steps_per_second"] == pytest.approx(rate, rel=0.02)
