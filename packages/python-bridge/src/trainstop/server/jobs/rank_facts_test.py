from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from trainstop.rundir.clock import unix_seconds
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


def tell_a_save(desk: Desk, job_id: str, **fields: Any) -> None:
    told = {
        "step": 5,
        "epoch": 1,
        "bytes": 1,
        "files": 1,
        "save_seconds": 1,
        "reason": "manual",
        "path": "/x",
    }
    told |= {"checkpoint_id": "step-00000005", "metrics": {}, "verified": True, "problem": None}
    desk.tell(job_id, "rank-0", "checkpoint", **{**told, **fields})


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e300, 1e12, -1e300, 10**400])
def test_a_run_that_says_its_saves_take_for_ever_can_still_be_shown_and_stopped(
    desk: Desk, seconds: float
) -> None:
    job_id = desk.running()
    tell_a_save(desk, job_id, save_seconds=seconds)
    json.dumps(desk.job(job_id), allow_nan=False)
    json.dumps(desk.jobs.checkpoints(job_id, None), allow_nan=False)
    command = desk.cancel(job_id)["command"]
    assert unix_seconds(command["deadline"]) - unix_seconds(command["created_at"]) <= 3 * 86_400


@pytest.mark.parametrize(
    "moment", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00.000Z", "0000-01-01T99:99:99Z"]
)
def test_a_moment_that_does_not_exist_gets_nowhere(desk: Desk, moment: str) -> None:
    """Whoever reckons with it would fail: retention, metrics, people's pages."""
    job_id = desk.running()
    desk.cancel(job_id)
    tell_a_save(desk, job_id, at=moment, saved_at=moment, command_id=desk.active(job_id))
    desk.tell(job_id, "rank-0", "acknowledged", at=moment, command_id=desk.active(job_id), step=5)
    desk.exit(job_id)
    told = json.dumps([desk.job(job_id), desk.command(job_id), desk.jobs.checkpoints(job_id, None)])
    assert "step-00000005" in told and moment not in told


@pytest.mark.parametrize("number", [10**20, -(10**400), 1e300])
def test_numbers_that_no_browser_can_hold_are_not_handed_on(desk: Desk, number: float) -> None:
    job_id = desk.running()
    desk.tell(job_id, "rank-0", "progress", step=1, epoch=number)
    desk.exit(job_id, number)  # type: ignore[arg-type]
    job = desk.job(job_id)
    assert (job["progress"]["epoch"], job["end"]["exit_code"]) == (None, None)


def test_ranks_without_end_are_not_taken_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainstop.server.jobs.rank_facts.MOST_RANKS", 2)
    job_id = desk.running()
    desk.tell(job_id, "rank-1", "left", reason="finished", command_id=None, step=1)
    desk.tell(job_id, "rank-2", "attached", pid=9, start_ticks=1, version="0", resumed_from=None)
    command_id = desk.cancel(job_id)["command"]["id"]
    desk.tell(job_id, "rank-0", "acknowledged", command_id=command_id, step=1)
    assert desk.receipts(job_id)["acknowledged"] == "done"  # nobody waits for the third
