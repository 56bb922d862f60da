from __future__ import annotations

import pytest

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal

STAGES = [
    *("requested", "accepted", "delivered", "acknowledged"),
    *("checkpoint_saved", "process_exited", "resources_released"),
]


def test_a_stop_that_is_obeyed_ends_cancelled_with_all_seven_receipts(desk: Desk) -> None:
    job_id = desk.running()
    answer = desk.cancel(job_id, reason="overfitting", note="eval loss rises")
    assert answer["outcome"] == "accepted"
    assert answer["job"]["status"] == "stopping"
    assert answer["command"]["reason"] == "overfitting"
    desk.obey(job_id)
    job = desk.job(job_id)
    assert job["status"] == "cancelled"
    assert job["end"]["cause"] == "cancelled"
    assert job["command"] is None
    assert job["last_command"]["status"] == "succeeded"
    receipts = job["last_command"]["receipts"]
    assert [receipt["stage"] for receipt in receipts] == STAGES
    assert [receipt["state"] for receipt in receipts] == ["done"] * 6 + ["not_measured"]
    assert [receipt["by"] for receipt in receipts] == [
        *("server", "server", "shim", "process", "server", "shim", "shim")
    ]


def test_receipts_bear_the_times_at_which_things_were_seen(desk: Desk) -> None:
    job_id = desk.stopped()
    times = [unix_seconds(receipt["at"]) for receipt in desk.command(job_id)["receipts"]]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_requested_is_when_the_request_came_and_accepted_is_when_it_was_committed(desk: Desk) -> None:
    job_id = desk.running()
    receipts = desk.cancel(job_id)["command"]["receipts"]
    assert receipts[0]["at"] < receipts[1]["at"] == desk.command(job_id)["created_at"]


def test_the_deadline_is_absolute_and_three_quarters_of_it_bring_sigterm(desk: Desk) -> None:
    job_id = desk.running()
    command = desk.cancel(job_id, grace_seconds=100)["command"]
    begin = unix_seconds(command["created_at"])
    assert unix_seconds(command["term_at"]) == pytest.approx(begin + 75)
    assert unix_seconds(command["deadline"]) == pytest.approx(begin + 100)


def test_the_grace_is_a_minute_or_three_times_the_longest_save_of_this_job(desk: Desk) -> None:
    job_id = desk.running()
    desk.save(job_id, save_seconds=50)
    desk.save(job_id, save_seconds=2)
    command = desk.cancel(job_id)["command"]
    assert unix_seconds(command["deadline"]) - unix_seconds(command["created_at"]) == pytest.approx(150)
    command = desk.cancel(desk.running())["command"]
    assert unix_seconds(command["deadline"]) - unix_seconds(command["created_at"]) == pytest.approx(60)


def test_a_stop_before_the_start_sticks(desk: Desk) -> None:
    job_id = desk.start()
    answer = desk.cancel(job_id)
    assert answer["job"]["status"] == "cancelled"
    assert answer["command"]["status"] == "succeeded"
    assert not desk.jobs.claim_launch(job_id, 1)
    assert desk.jobs.supervised() == []
    assert list(desk.receipts(job_id).values()) == ["done", "done", *["skipped"] * 5]


def test_a_stop_while_the_shim_is_being_launched_takes_the_ladder(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    assert desk.cancel(job_id)["job"]["status"] == "stopping"
    supervised = desk.jobs.supervised_job(job_id)
    assert supervised is not None and supervised.control is not None
    desk.tell(job_id, "supervisor", "launched")
    desk.tell(job_id, "shim", "not_started", command_id=desk.active(job_id))
    desk.tell(job_id, "supervisor", "exited", exit_code=None, signal=None, error=None)
    assert desk.status(job_id) == "cancelled"
    assert desk.job(job_id)["started_at"] is None
    assert desk.receipts(job_id)["process_exited"] == "skipped"


def test_a_claimed_launch_that_never_came_to_be_ends_cancelled_too(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    desk.cancel(job_id)
    desk.tell(job_id, "supervisor", "gone")
    assert desk.status(job_id) == "cancelled"


def test_a_second_stop_joins_the_first(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.cancel(job_id)["command"]
    second = desk.cancel(job_id, grace_seconds=1)["command"]
    assert second == first
    assert len(desk.jobs.commands(job_id, None)) == 1


def test_force_joins_too_and_shortens_everything_to_now(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.cancel(job_id)["command"]
    forced = desk.cancel(job_id, mode="force")["command"]
    assert forced["id"] == first["id"]
    assert forced["mode"] == "force"
    assert forced["deadline"] < first["term_at"]
    assert desk.receipts(job_id)["acknowledged"] == "skipped"
    supervised = desk.jobs.supervised_job(job_id)
    assert supervised is not None and supervised.control is not None
    assert supervised.control["mode"] == "force"
    assert supervised.control["deadline"] == unix_seconds(forced["deadline"])


def test_a_graceful_stop_after_force_lengthens_nothing(desk: Desk) -> None:
    job_id = desk.running()
    forced = desk.cancel(job_id, mode="force")["command"]
    assert desk.cancel(job_id, mode="graceful", grace_seconds=3600)["command"] == forced


def test_a_deadline_already_passed_is_not_moved_by_force(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.cancel(job_id, grace_seconds=1)["command"]
    desk.clock.now += 100
    assert desk.cancel(job_id, mode="force")["command"]["deadline"] == first["deadline"]


def test_force_saves_nothing_and_says_so(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id, mode="force")
    desk.tell(job_id, "shim", "kill_sent", command_id=desk.active(job_id), pids=[7])
    desk.exit(job_id, None, 9)
    assert desk.status(job_id) == "cancelled"
    assert desk.job(job_id)["end"]["signal"] == "SIGKILL"
    receipts = desk.receipts(job_id)
    assert receipts["acknowledged"] == receipts["checkpoint_saved"] == "skipped"
    assert receipts["process_exited"] == "done"


def test_a_stop_supersedes_a_pause(desk: Desk) -> None:
    job_id = desk.running()
    pause = desk.pause(job_id)["command"]
    stop = desk.cancel(job_id)["command"]
    commands = {each["id"]: each for each in desk.jobs.commands(job_id, None)}
    assert commands[pause["id"]]["status"] == "superseded"
    assert commands[pause["id"]]["superseded_by"] == stop["id"]
    assert len(commands[pause["id"]]["receipts"]) == len(STAGES)
    # The script had heard the pause first and leaves for that: it is a stop all the same.
    desk.leave(job_id, "pause")
    desk.exit(job_id)
    assert desk.status(job_id) == "cancelled"


def test_a_paused_job_is_cancelled_at_once(desk: Desk) -> None:
    job_id = desk.paused()
    assert desk.cancel(job_id)["job"]["status"] == "cancelled"
    assert desk.command(job_id)["status"] == "succeeded"


def test_a_run_that_finished_before_it_heard_the_stop_is_completed(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.leave(job_id, "finished")
    desk.exit(job_id, 0)
    job = desk.job(job_id)
    assert job["status"] == "completed"
    assert job["last_command"]["status"] == "failed"
    assert "finished by itself" in job["last_command"]["message"]


def test_exit_code_0_after_sigterm_is_a_stop(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.tell(job_id, "shim", "term_sent", command_id=desk.active(job_id), pid=7)
    desk.exit(job_id, 0)
    assert desk.status(job_id) == "cancelled"


def test_a_kill_of_what_a_finished_run_left_behind_makes_no_stop_of_it(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.tell(job_id, "shim", "main_exited", exit_code=0, signal=None)
    desk.tell(job_id, "shim", "kill_sent", command_id=desk.active(job_id), pids=[9])
    desk.exit(job_id, 0)
    assert desk.status(job_id) == "completed"


def test_a_stop_of_a_final_job_changes_nothing_and_tells_its_true_status(desk: Desk) -> None:
    job_id = desk.running()
    desk.exit(job_id, 0)
    before = desk.job(job_id)
    answer = desk.cancel(job_id)
    assert answer["outcome"] == "no_op"
    assert answer["command"] is None
    assert answer["job"]["status"] == "completed"
    assert desk.job(job_id) == before


def test_a_save_that_failed_during_the_stop_is_told(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    command_id = desk.active(job_id)
    desk.acknowledge(job_id)
    failed = {"checkpoint_id": "step-1", "step": 1, "error": "No space left on device"}
    desk.tell(job_id, "rank-0", "checkpoint_failed", command_id=command_id, **failed)
    desk.exit(job_id, 0)
    assert desk.receipts(job_id)["checkpoint_saved"] == "failed"
    assert "not saved" in desk.job(job_id)["end"]["message"]


def test_a_checkpoint_that_does_not_verify_is_no_saved_one(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.save(job_id, command_id=desk.active(job_id), verified=False)
    assert desk.receipts(job_id)["checkpoint_saved"] == "failed"
    assert desk.job(job_id)["last_checkpoint"] is None
    assert desk.jobs.checkpoints(job_id, None)[0]["problem"] == "weights.npz is missing"


def test_acknowledged_means_every_rank(desk: Desk) -> None:
    job_id = desk.running()
    told = {"pid": 8, "start_ticks": 1, "version": "0", "total_steps": 1, "total_epochs": None}
    desk.tell(job_id, "rank-1", "attached", resumed_from=None, **told)
    desk.cancel(job_id)
    command_id = desk.active(job_id)
    desk.tell(job_id, "rank-1", "acknowledged", command_id=command_id, step=5)
    assert "acknowledged" not in desk.receipts(job_id)
    desk.tell(job_id, "rank-0", "acknowledged", command_id=command_id, step=5)
    assert desk.receipts(job_id)["acknowledged"] == "done"


@pytest.mark.parametrize("mode", ["checkpoint", "epoch"])
def test_a_mode_that_is_not_there_yet_is_refused_and_changes_nothing(desk: Desk, mode: str) -> None:
    job_id = desk.running()
    before = desk.job(job_id)
    with pytest.raises(Refusal) as refused:
        desk.cancel(job_id, mode=mode)
    assert refused.value.code == "not_supported"
    assert desk.job(job_id) == before


def test_the_same_key_finds_the_same_stop_even_after_it_ended(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.cancel(job_id, "k1", reason="cost")["command"]
    desk.obey(job_id)
    again = desk.cancel(job_id, "k1", reason="cost")
    assert again["outcome"] == "accepted"
    assert again["command"]["id"] == first["id"]
    assert again["command"]["status"] == "succeeded"
    assert again["job"]["status"] == "cancelled"


def test_the_key_of_one_who_joined_finds_the_stop_too(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.cancel(job_id, "k1")["command"]
    assert desk.cancel(job_id, "k2")["command"]["id"] == first["id"]
    desk.obey(job_id)
    assert desk.cancel(job_id, "k2")["command"]["id"] == first["id"]


def test_the_same_key_with_another_request_is_refused(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id, "k1", reason="cost")
    before = desk.job(job_id)
    with pytest.raises(Refusal) as refused:
        desk.cancel(job_id, "k1", reason="other")
    assert refused.value.code == "invalid_request"
    assert refused.value.field == "Idempotency-Key"
    with pytest.raises(Refusal):
        desk.pause(job_id, "k1")
    assert desk.job(job_id) == before
