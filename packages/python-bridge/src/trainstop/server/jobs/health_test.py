"""Unresponsive: a run that told of steps, and whose step then stands still for far too long."""

from __future__ import annotations

import pytest

from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.health import STILL_SECONDS, STILL_STEPS


def stepping(desk: Desk, *, seconds_a_step: float, count: int = 40) -> str:
    job_id = desk.running()
    for step in range(1, count + 1):
        desk.clock.now += seconds_a_step
        desk.tell(job_id, "rank-0", "progress", step=step, epoch=None)
    return job_id


def unresponsive_in(desk: Desk, job_id: str) -> float | None:
    """Seconds from now until it is, as supervision is told."""
    supervised = desk.jobs.supervised_job(job_id)
    assert supervised is not None
    at = supervised.unresponsive_at
    return None if at is None else at - desk.clock.now


def look(desk: Desk, job_id: str) -> str:
    """What supervision does when it thinks that the time has come."""
    desk.tell(job_id, "supervisor", "unresponsive")
    return str(desk.job(job_id)["health"])


def test_a_step_that_stands_still_for_too_long_is_unresponsive_until_it_moves(desk: Desk) -> None:
    job_id = stepping(desk, seconds_a_step=0.5)
    assert unresponsive_in(desk, job_id) == pytest.approx(STILL_SECONDS, abs=0.1)
    assert look(desk, job_id) == "ok"  # too early: the store decides, not who asks
    desk.clock.now += STILL_SECONDS + 1
    version = desk.job(job_id)["status_version"]
    assert look(desk, job_id) == "unresponsive"
    assert desk.job(job_id)["status_version"] == version
    assert unresponsive_in(desk, job_id) is None
    desk.tell(job_id, "rank-0", "progress", step=40, epoch=2)  # an epoch is no step
    assert desk.job(job_id)["health"] == "unresponsive"
    desk.tell(job_id, "rank-0", "progress", step=41, epoch=None)
    assert desk.job(job_id)["health"] == "ok"


def test_slow_steps_have_their_own_time(desk: Desk) -> None:
    job_id = stepping(desk, seconds_a_step=60)
    assert unresponsive_in(desk, job_id) == pytest.approx(60 * STILL_STEPS, rel=0.01)


def test_a_long_first_step_is_no_measure_for_the_others_for_long(desk: Desk) -> None:
    job_id = desk.running()
    desk.clock.now += 600  # it compiles
    desk.tell(job_id, "rank-0", "progress", step=1, epoch=None)
    assert unresponsive_in(desk, job_id) == pytest.approx(600 * STILL_STEPS, rel=0.01)
    for step in range(2, 42):
        desk.clock.now += 0.1
        desk.tell(job_id, "rank-0", "progress", step=step, epoch=None)
    assert unresponsive_in(desk, job_id) == pytest.approx(STILL_SECONDS, abs=0.1)


def test_a_run_that_never_told_of_a_step_is_ok(desk: Desk) -> None:
    job_id = desk.running()
    desk.tell(job_id, "rank-0", "metrics", rows=[[None, None, desk.clock(), {"gpu": 1}]])
    assert unresponsive_in(desk, job_id) is None
    desk.clock.now += 1e6
    assert look(desk, job_id) == "ok"


def test_a_run_that_is_held_is_not_unresponsive_and_its_time_begins_anew(desk: Desk) -> None:
    job_id = stepping(desk, seconds_a_step=1)
    desk.pause(job_id, hold=True)
    desk.acknowledge(job_id)
    desk.clock.now += 10_000
    assert unresponsive_in(desk, job_id) is None
    assert look(desk, job_id) == "ok"
    desk.resume(job_id)
    desk.obey(job_id)
    assert unresponsive_in(desk, job_id) == pytest.approx(STILL_SECONDS, abs=0.1)
    assert look(desk, job_id) == "ok"


def test_nobody_is_called_unresponsive_while_being_stopped_or_without_a_supervisor(desk: Desk) -> None:
    stopping, orphan = stepping(desk, seconds_a_step=1), stepping(desk, seconds_a_step=1)
    desk.cancel(stopping)
    desk.tell(orphan, "supervisor", "unsupervised")
    desk.clock.now += 10_000
    assert unresponsive_in(desk, stopping) is unresponsive_in(desk, orphan) is None
    assert look(desk, stopping) == "ok"
    assert look(desk, orphan) == "unsupervised"


def test_a_clock_of_the_run_that_is_ahead_does_not_put_it_off(desk: Desk) -> None:
    job_id = desk.running()
    for step in (1, 2):
        desk.clock.now += 1
        told = {"type": "progress", "source": "rank-0", "step": step, "epoch": None}
        desk.jobs.record(job_id, 1, [{**told, "at": "2099-01-01T00:00:00.000Z"}], {})
    left = unresponsive_in(desk, job_id)
    assert left is not None and left <= STILL_SECONDS + 1
