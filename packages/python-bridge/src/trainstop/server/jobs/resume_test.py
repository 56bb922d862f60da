from __future__ import annotations

import pytest

from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal


def refusal_of(desk: Desk, job_id: str, **options: str) -> Refusal:
    before = desk.job(job_id)
    with pytest.raises(Refusal) as refused:
        desk.resume(job_id, **options)
    assert desk.job(job_id) == before
    return refused.value


def test_a_paused_job_goes_on_as_its_next_attempt_from_its_last_checkpoint(desk: Desk) -> None:
    job_id = desk.paused()
    saved = desk.job(job_id)["last_checkpoint"]
    answer = desk.resume(job_id)
    assert answer["job"]["id"] == job_id
    assert (answer["job"]["status"], answer["job"]["attempt"]) == ("pending", 2)
    assert answer["command"]["from"] == saved["id"]
    assert desk.spec(job_id)["resume"] == {"checkpoint_id": saved["id"], "path": saved["path"]}
    assert desk.job(job_id)["command"]["status"] == "active"
    desk.run(job_id)
    assert desk.status(job_id) == "running"
    command = desk.command(job_id)
    assert command["status"] == "succeeded"
    assert desk.receipts(job_id) == {
        **{"requested": "done", "accepted": "done", "delivered": "done", "acknowledged": "done"},
        **{"checkpoint_saved": "skipped", "process_exited": "skipped", "resources_released": "skipped"},
    }


def test_a_script_that_passes_over_its_checkpoint_is_found_out(desk: Desk) -> None:
    job_id = desk.paused()
    desk.resume(job_id)
    assert desk.jobs.claim_launch(job_id, 2)
    desk.tell(job_id, "shim", "started", pid=7, start_ticks=1)
    desk.attach(job_id, resumed_from=None)
    assert desk.receipts(job_id)["acknowledged"] == "failed"


def test_a_resume_whose_process_cannot_start_has_failed(desk: Desk) -> None:
    job_id = desk.paused()
    desk.resume(job_id)
    assert desk.jobs.claim_launch(job_id, 2)
    desk.tell(job_id, "supervisor", "launch_failed", error="no such file: python")
    job = desk.job(job_id)
    assert (job["status"], job["end"]["cause"]) == ("failed", "start_failed")
    assert job["last_command"]["status"] == "failed"
    assert job["last_command"]["message"] == "The run could not be started: no such file: python."
    assert len(job["last_command"]["receipts"]) == 7


def test_the_last_checkpoint_is_the_newest_verified_one_by_step_of_all_attempts(desk: Desk) -> None:
    job_id = desk.running()
    desk.saved = 499
    newest = desk.save(job_id)
    desk.saved = 99
    desk.save(job_id)
    desk.saved = 599
    desk.save(job_id, verified=False)
    assert desk.job(job_id)["last_checkpoint"]["id"] == newest


def test_a_named_checkpoint_is_taken_and_one_that_did_not_verify_is_not(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.save(job_id)
    broken = desk.save(job_id, verified=False)
    desk.pause(job_id)
    desk.obey(job_id)
    for id_ in (broken, "step-99999999"):
        refusal = refusal_of(desk, job_id, **{"from": id_})
        assert (refusal.code, refusal.field, refusal.job_status) == ("no_checkpoint", "from", "paused")
    assert desk.resume(job_id, **{"from": first})["command"]["from"] == first


def test_without_a_verified_checkpoint_there_is_nothing_to_resume(desk: Desk) -> None:
    for job_id in (desk.paused(save=False), desk.stopped(save=False)):
        assert refusal_of(desk, job_id).code == "no_checkpoint"
    never_ran = desk.start()
    desk.cancel(never_ran)
    assert refusal_of(desk, never_ran).code == "no_checkpoint"


def test_which_checkpoint_is_best_is_not_known(desk: Desk) -> None:
    assert refusal_of(desk, desk.paused(), **{"from": "best"}).code == "no_checkpoint"


def test_a_job_paused_before_it_ever_ran_starts_from_the_beginning(desk: Desk) -> None:
    job_id = desk.start()
    desk.pause(job_id)
    assert desk.job(job_id)["capabilities"]["resume"]["allowed"]
    answer = desk.resume(job_id)
    assert (answer["job"]["status"], answer["command"]["from"]) == ("pending", None)
    desk.run(job_id)
    assert desk.receipts(job_id)["acknowledged"] == "done"


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_stopped_or_failed_job_goes_on_as_a_new_one(desk: Desk, how: str) -> None:
    if how == "cancelled":
        old_id = desk.stopped()
    else:
        old_id = desk.running()
        desk.save(old_id)
        desk.exit(old_id, 1)
    old = desk.job(old_id)
    answer = desk.resume(old_id)
    new = answer["job"]
    assert new["id"] != old_id
    assert new["resumed_from"] == {"job_id": old_id, "checkpoint_id": old["last_checkpoint"]["id"]}
    assert (new["status"], new["params"], new["name"]) == ("pending", old["params"], old["name"])
    after = desk.job(old_id)
    assert (after["status"], after["resumed_as"], after["end"]) == (how, new["id"], old["end"])
    assert (answer["command"]["job_id"], answer["command"]["status"]) == (old_id, "succeeded")
    assert desk.spec(new["id"])["resume"]["path"] == old["last_checkpoint"]["path"]


def test_a_second_press_finds_the_job_that_goes_on_already(desk: Desk) -> None:
    old_id = desk.stopped()
    first = desk.resume(old_id, "k1")
    second = desk.resume(old_id, "k2")
    assert (second["job"]["id"], second["command"]["id"]) == (first["job"]["id"], first["command"]["id"])
    assert len(desk.jobs.newest(None, [], None, 10)[0]) == 2


def test_when_the_job_that_went_on_is_over_a_resume_starts_another(desk: Desk) -> None:
    old_id = desk.stopped()
    first = desk.resume(old_id, "k1")["job"]["id"]
    desk.cancel(first)
    second = desk.resume(old_id, "k2")["job"]["id"]
    assert second != first
    assert desk.job(old_id)["resumed_as"] == second
    assert desk.resume(old_id, "k1")["job"]["id"] == first


def test_another_checkpoint_while_a_resumed_job_lives_is_a_conflict(desk: Desk) -> None:
    old_id = desk.running()
    early = desk.save(old_id)
    desk.cancel(old_id)
    desk.obey(old_id)
    desk.resume(old_id)
    assert refusal_of(desk, old_id, **{"from": early}).code == "conflict"


def test_a_resumed_job_that_saved_nothing_yet_can_be_resumed_from_where_it_began(desk: Desk) -> None:
    old_id = desk.stopped()
    checkpoint = desk.job(old_id)["last_checkpoint"]
    going_on = desk.resume(old_id)["job"]["id"]
    desk.run(going_on)
    desk.exit(going_on, 1)
    third = desk.resume(going_on)["job"]
    assert third["resumed_from"] == {"job_id": old_id, "checkpoint_id": checkpoint["id"]}
    assert desk.spec(third["id"])["resume"]["path"] == checkpoint["path"]


def test_a_new_job_belongs_to_whom_the_old_one_belonged(desk: Desk) -> None:
    old_id = desk.running(owner="ada")
    desk.save(old_id)
    desk.exit(old_id, 1)
    assert desk.resume(old_id)["job"]["owner"] == "ada"


def test_only_what_is_paused_stopped_or_failed_can_be_resumed(desk: Desk) -> None:
    pending, running, pausing, stopping, completed = desk.start(), *(desk.running() for _ in range(4))
    desk.pause(pausing)
    desk.cancel(stopping)
    desk.exit(completed, 0)
    for job_id in (pending, running, pausing, stopping, completed):
        refusal = refusal_of(desk, job_id)
        assert (refusal.code, refusal.job_status) == ("conflict", desk.status(job_id))


def test_a_pause_supersedes_a_resume_that_waits(desk: Desk) -> None:
    job_id = desk.paused()
    resume = desk.resume(job_id)["command"]["id"]
    pause = desk.pause(job_id)["command"]["id"]
    commands = {command["id"]: command for command in desk.jobs.commands(job_id, None)}
    assert (commands[resume]["status"], commands[resume]["superseded_by"]) == ("superseded", pause)
    assert desk.status(job_id) == "paused"
    assert desk.resume(job_id)["job"]["attempt"] == 3
