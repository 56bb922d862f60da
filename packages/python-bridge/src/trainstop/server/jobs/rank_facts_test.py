from __future__ import annotations

import shutil

import pytest

from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal


def remove(desk: Desk, job_id: str, checkpoint_id: str) -> None:
    desk.tell(job_id, "rank-0", "checkpoint_removed", checkpoint_id=checkpoint_id)


def listed(desk: Desk, job_id: str) -> list[str]:
    return [checkpoint["id"] for checkpoint in desk.jobs.checkpoints(job_id, None)]


def test_a_removed_checkpoint_is_told_once_and_listed_no_more(desk: Desk) -> None:
    job_id = desk.running()
    first, second = desk.save(job_id), desk.save(job_id)
    remove(desk, job_id, first)
    remove(desk, job_id, first)
    assert listed(desk, job_id) == [second]
    told = [event["data"] for event in desk.events(job_id) if event["type"] == "checkpoint"]
    assert [(data["id"], data["removed_at"] is None) for data in told] == [
        (first, True),
        (second, True),
        (first, False),
    ]


def test_a_removed_checkpoint_is_not_resumed_from(desk: Desk) -> None:
    job_id = desk.running()
    first, second = desk.save(job_id), desk.save(job_id)
    remove(desk, job_id, first)
    desk.cancel(job_id)
    desk.obey(job_id, save=False)
    with pytest.raises(Refusal, match=f"no verified checkpoint {first}"):
        desk.resume(job_id, **{"from": first})
    resumed = desk.resume(job_id)["job"]["id"]
    assert desk.spec(resumed)["resume"]["checkpoint_id"] == second


def test_when_the_last_one_is_removed_the_newest_good_one_left_is_the_last(desk: Desk) -> None:
    job_id = desk.running()
    good = desk.save(job_id)
    desk.save(job_id, verified=False)
    last = desk.save(job_id)
    remove(desk, job_id, last)
    assert desk.job(job_id)["last_checkpoint"]["id"] == good
    remove(desk, job_id, good)
    assert desk.job(job_id)["last_checkpoint"] is None


def test_a_step_saved_again_after_its_removal_is_there_again(desk: Desk) -> None:
    job_id = desk.running()
    first = desk.save(job_id)
    remove(desk, job_id, first)
    shutil.rmtree(desk.checkpoints(job_id) / first)
    desk.saved -= 1
    assert desk.save(job_id) == first
    assert listed(desk, job_id) == [first]
    assert desk.job(job_id)["last_checkpoint"]["id"] == first
