"""Stops that wait: for the next checkpoint, for the end of the epoch, and what becomes of their times."""

from __future__ import annotations

from typing import Any

import pytest

from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.refusal import Refusal

WAITING = ("checkpoint", "epoch")


def scheduled(desk: Desk) -> str:
    """A run that saves every 500 steps and ends epochs."""
    job_id = desk.running()
    desk.tell(job_id, "rank-0", "schedule", save_every=500, epochs=True)
    return job_id


def seconds(command: dict[str, Any], moment: str) -> float:
    return round(unix_seconds(command[moment]) - unix_seconds(command["created_at"]), 3)


@pytest.mark.parametrize("mode", WAITING)
def test_the_times_of_a_stop_that_waits_come_after_the_wait(desk: Desk, mode: str) -> None:
    job_id = scheduled(desk)
    command = desk.cancel(job_id, mode=mode, wait_seconds=600, grace_seconds=100)["command"]
    assert [seconds(command, each) for each in ("wait_until", "term_at", "deadline")] == [600, 675, 700]
    control = desk.control(job_id)
    assert control is not None
    assert (control["mode"], control["wait_until"]) == (mode, unix_seconds(command["wait_until"]))
    assert control["term_at"] == unix_seconds(command["term_at"])


def test_it_waits_an_hour_unless_it_says_otherwise(desk: Desk) -> None:
    command = desk.cancel(scheduled(desk), mode="epoch")["command"]
    assert [seconds(command, each) for each in ("wait_until", "term_at", "deadline")] == [3600, 3645, 3660]


@pytest.mark.parametrize("mode", WAITING)
def test_once_the_run_is_there_its_ordinary_grace_begins(desk: Desk, mode: str) -> None:
    job_id = scheduled(desk)
    command = desk.cancel(job_id, mode=mode)["command"]
    asked: list[str] = []
    desk.jobs.on_change = asked.append
    desk.clock.now += 100
    desk.acknowledge(job_id)
    assert asked == [job_id]  # control.json must say so too
    after = desk.command(job_id)
    assert after["wait_until"] == command["wait_until"]
    assert seconds(after, "term_at") == pytest.approx(145, abs=0.1)
    assert seconds(after, "deadline") == pytest.approx(160, abs=0.1)
    desk.save(job_id, command_id=command["id"])
    desk.leave(job_id, "cancel")
    desk.exit(job_id)
    job = desk.job(job_id)
    assert (job["status"], job["last_command"]["status"]) == ("cancelled", "succeeded")
    assert desk.receipts(job_id)["checkpoint_saved"] == "done"


def test_a_run_that_gets_there_late_gets_no_more_time(desk: Desk) -> None:
    job_id = scheduled(desk)
    command = desk.cancel(job_id, mode="checkpoint", wait_seconds=10)["command"]
    desk.clock.now += 40
    desk.acknowledge(job_id)
    assert desk.command(job_id)["deadline"] == command["deadline"]


@pytest.mark.parametrize("mode", WAITING)
def test_a_graceful_stop_hastens_one_that_waits_and_is_the_same_command(desk: Desk, mode: str) -> None:
    job_id = scheduled(desk)
    first = desk.cancel(job_id, mode=mode)["command"]
    desk.clock.now += 100
    second = desk.cancel(job_id)["command"]
    assert second["id"] == first["id"]
    assert (second["mode"], second["wait_until"]) == ("graceful", None)
    assert seconds(second, "deadline") == pytest.approx(160, abs=0.1)
    forced = desk.cancel(job_id, mode="force")["command"]
    assert (forced["id"], forced["mode"]) == (first["id"], "force")
    assert seconds(forced, "deadline") == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    ("under_way", "asked"), [("graceful", "checkpoint"), ("force", "epoch"), ("force", None)]
)
def test_a_weaker_stop_joins_and_lengthens_nothing(desk: Desk, under_way: str, asked: str | None) -> None:
    job_id = scheduled(desk)
    first = desk.cancel(job_id, mode=under_way)["command"]
    assert desk.cancel(job_id, mode=asked, wait_seconds=604_800, grace_seconds=86_400)["command"] == first


def test_the_same_wait_asked_shorter_hastens_and_asked_longer_does_not(desk: Desk) -> None:
    job_id = scheduled(desk)
    first = desk.cancel(job_id, mode="epoch", wait_seconds=600)["command"]
    assert desk.cancel(job_id, mode="epoch", wait_seconds=900)["command"] == first
    assert desk.cancel(job_id, mode="checkpoint", wait_seconds=1)["command"] == first  # another place: joins
    sooner = desk.cancel(job_id, mode="epoch", wait_seconds=60)["command"]
    assert sooner["id"] == first["id"]
    assert seconds(sooner, "wait_until") == pytest.approx(60, abs=0.1)
    assert seconds(sooner, "deadline") == pytest.approx(120, abs=0.1)


def test_a_mode_is_offered_where_the_run_is_known_to_come_there(desk: Desk) -> None:
    job_id = desk.running()
    for mode in WAITING:
        can = desk.job(job_id)["capabilities"]
        assert not can[mode]["allowed"] and mode not in can["modes"]
        with pytest.raises(Refusal) as refused:
            desk.cancel(job_id, mode=mode)
        assert (refused.value.code, refused.value.field) == ("not_supported", "mode")
        assert str(refused.value).startswith(can[mode]["reason"])
        assert desk.status(job_id) == "running"
    desk.save(job_id)  # whoever has saved once may do so again
    assert desk.job(job_id)["capabilities"]["modes"] == ["graceful", "checkpoint", "force"]
    desk.tell(job_id, "rank-0", "schedule", save_every=None, epochs=True)
    assert desk.job(job_id)["capabilities"]["modes"] == ["graceful", "checkpoint", "epoch", "force"]


@pytest.mark.parametrize("mode", WAITING)
def test_what_has_not_begun_is_stopped_without_a_wait(desk: Desk, mode: str) -> None:
    waiting = desk.start()
    assert desk.cancel(waiting, mode=mode)["job"]["status"] == "cancelled"
    starting = desk.start()
    assert desk.jobs.claim_launch(starting, 1)
    command = desk.cancel(starting, mode=mode)["command"]
    assert (command["mode"], command["wait_until"]) == ("graceful", None)
    paused = desk.paused()
    assert desk.cancel(paused, mode=mode)["job"]["status"] == "cancelled"
    assert desk.cancel(paused, mode=mode)["outcome"] == "no_op"


def test_the_same_key_with_another_wait_is_another_request(desk: Desk) -> None:
    job_id = scheduled(desk)
    first = desk.cancel(job_id, "k", mode="epoch", wait_seconds=60)["command"]
    assert desk.cancel(job_id, "k", mode="epoch", wait_seconds=60)["command"] == first
    for options in ({"mode": "epoch", "wait_seconds": 61}, {"mode": "checkpoint", "wait_seconds": 60}, {}):
        with pytest.raises(Refusal) as refused:
            desk.cancel(job_id, "k", **options)
        assert (refused.value.code, refused.value.field) == ("invalid_request", "Idempotency-Key")
    held = desk.running()
    hold = desk.pause(held, "h", hold=True)["command"]
    assert desk.pause(held, "h", hold=True)["command"] == hold
    with pytest.raises(Refusal):
        desk.pause(held, "h")


def test_a_stop_that_was_delivered_and_not_acknowledged_shows_as_exactly_that(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.tell(job_id, "shim", "delivered", command_id=desk.active(job_id), ranks=1)
    assert desk.receipts(job_id) == {"requested": "done", "accepted": "done", "delivered": "done"}
    desk.tell(job_id, "shim", "kill_sent", command_id=desk.active(job_id), pids=[7])
    desk.exit(job_id, None, 9)
    receipts = {each["stage"]: each for each in desk.command(job_id)["receipts"]}
    assert receipts["acknowledged"]["state"] == "skipped"
    assert receipts["acknowledged"]["detail"] == "The process ended without acknowledging."
