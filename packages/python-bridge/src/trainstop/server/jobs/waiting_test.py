"""A job that is not started yet says why, in its events too, for as long as that is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainstop.server.jobs.conftest import Desk

PLACE = "waiting_for_place"
DISK = "waiting_for_disk"


def look(desk: Desk) -> None:
    """As supervision does: of those that wait and don't say so, it is told."""
    found = desk.jobs.supervised()
    desk.jobs.tell_waiting([job for job in found if job.waits_for is not None and not job.waiting_is_told])


def codes(job: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in job["warnings"]]


def test_a_job_without_a_place_says_how_many_run_and_takes_it_back_when_it_is_launched(
    desk_with: Callable[[int], Desk],
) -> None:
    desk = desk_with(1)
    first, second = desk.start(), desk.start()
    look(desk)
    assert codes(desk.job(first)) == []
    assert codes(desk.job(second)) == [PLACE]
    assert "runs 1 job at once (server.max_running_jobs)" in desk.job(second)["warnings"][0]["message"]
    desk.run(first)
    desk.exit(first, 0)
    assert desk.jobs.claim_launch(second, 1)
    assert codes(desk.job(second)) == []
    told = [codes(event["data"]) for event in desk.jobs.events_after(second, None, 0, 100).events]
    assert told == [[], [PLACE], []]


def test_it_is_told_once_and_is_no_change_of_status(desk_with: Callable[[int], Desk]) -> None:
    desk = desk_with(1)
    _, second = desk.start(), desk.start()
    before = desk.job(second)
    view = desk.jobs.supervised()
    desk.jobs.tell_waiting(view[1:])
    told = desk.job(second)
    look(desk)
    desk.jobs.tell_waiting(view[1:])  # a look from before
    assert desk.job(second) == told
    assert told["seq"] > before["seq"] and told["status_version"] == before["status_version"]


def test_a_job_that_waits_for_the_disk_says_so_before_it_speaks_of_its_turn(
    desk_with: Callable[[int], Desk],
) -> None:
    desk = desk_with(1)
    first, second = desk.start(), desk.start()
    desk.jobs.hold_launches("The disk is full.")
    look(desk)
    for job_id in (first, second):
        assert desk.job(job_id)["warnings"] == [{"code": DISK, "message": "The disk is full."}]
    desk.jobs.hold_launches(None)
    look(desk)
    assert codes(desk.job(second)) == [PLACE]
    assert desk.jobs.claim_launch(first, 1)
    assert codes(desk.job(first)) == []


def test_a_job_that_is_cancelled_or_paused_waits_for_nothing(desk: Desk) -> None:
    stopped, paused = desk.start(), desk.start()
    desk.jobs.hold_launches("The disk is full.")
    look(desk)
    desk.cancel(stopped)
    desk.pause(paused)
    assert codes(desk.job(stopped)) == codes(desk.job(paused)) == []
    desk.resume(paused)
    look(desk)
    assert codes(desk.job(paused)) == [DISK]


def test_what_waited_a_moment_ago_and_has_begun_since_is_not_told_as_waiting(desk: Desk) -> None:
    job_id = desk.start()
    desk.jobs.hold_launches("The disk is full.")
    view = desk.jobs.supervised()
    desk.jobs.hold_launches(None)
    desk.run(job_id)
    desk.jobs.tell_waiting(view)
    assert codes(desk.job(job_id)) == []
