"""`kill -9` of the whole server, at moments that `kill_matrix_test` has no cell for."""

from __future__ import annotations

import asyncio

import pytest

from trainstop.rundir.atomic_file import read_json, write_json_atomically
from trainstop.server.supervision.conftest import (
    Desk,
    processes_of,
    serving,
    supervised,
    until,
    until_async,
)


def test_while_it_runs_the_run_goes_on_and_each_step_is_recorded_once(desk: Desk) -> None:
    job_id = desk.start(steps="2000")
    over = desk.run(job_id).exit_record.exists  # on a busy machine it may end before the next server is there
    for _ in range(3):
        seen = len(desk.steps(job_id))
        with serving(desk.place):
            until(lambda seen=seen: desk.is_training(job_id, seen) or over(), "training")  # type: ignore[misc]
    until(over, "the end, with no server")
    with serving(desk.place):
        until(lambda: desk.ended(job_id), "the end in the store")
    assert desk.statuses(job_id) == ["pending", "running", "completed"]
    assert desk.steps(job_id) == list(range(1, 2001))
    assert (desk.place / "tally").read_text() == "started "


@pytest.mark.parametrize("dies", ["before", "after"])
def test_between_commit_and_launch_it_is_started_once_by_the_next(desk: Desk, dies: str) -> None:
    job_id = desk.start(steps="50")
    with serving(desk.place, dies=dies) as server:
        server.wait()
    assert desk.jobs.supervised()[0].claimed
    assert not desk.jobs.supervised()[0].launched
    with serving(desk.place):
        until(lambda: desk.ended(job_id), "the end")
    assert desk.statuses(job_id) == ["pending", "running", "completed"]
    assert (desk.place / "tally").read_text() == "started "


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_stop_asked_between_launch_and_restart_is_heard(desk: Desk, dies: str) -> None:
    job_id = desk.start()
    with serving(desk.place, dies=dies) as server:
        server.wait()
    desk.cancel(job_id)
    assert desk.job(job_id)["status"] == "stopping"
    with serving(desk.place):
        job = until(lambda: desk.ended(job_id), "the end")
    assert job["status"] == "cancelled"
    assert (desk.place / "tally").exists() == (dies == "after")
    desk.expect_nobody_left(job_id)


def test_during_a_stop_of_the_deaf_the_ladder_is_climbed_without_a_server(desk: Desk) -> None:
    job_id = desk.start(template="deaf")
    with serving(desk.place):
        until((desk.place / "ready").exists, "the script")
        desk.cancel(job_id, grace_seconds=2)
        until(lambda: desk.told(job_id, "delivered"), "the delivery")
    until(desk.run(job_id).exit_record.exists, "the end, with no server")
    desk.expect_nobody_left(job_id)
    command = desk.job(job_id)["command"]
    record = read_json(desk.run(job_id).exit_record) or {}
    # Nobody in it listens, so it needs no part of the grace to have heard.
    assert all(fact["at"] <= command["term_at"] for fact in desk.told(job_id, "term_sent"))
    assert desk.told(job_id, "kill_sent")[0]["at"] >= command["deadline"]
    with serving(desk.place):
        job = until(lambda: desk.ended(job_id), "the end in the store")
    assert job["status"] == "cancelled"
    assert desk.receipts(job_id)["process_exited"]["at"] == record["tree_gone_at"]
    assert desk.receipts(job_id)["acknowledged"]["state"] == "skipped"


def test_a_machine_that_was_restarted_has_no_process_of_the_run_whatever_its_pids(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start()
            await until_async(lambda: desk.is_training(job_id), "training")
        run = desk.run(job_id)
        # The very same processes live, but in a boot that is not this one: they are somebody else.
        shim = read_json(run.shim_identity) or {}
        write_json_atomically(run.shim_identity, {**shim, "boot_id": "an earlier one"})
        async with supervised(desk):
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert (job["status"], job["end"]["cause"]) == ("failed", "interrupted")
        assert len(processes_of(desk.place)) == 2, "neither the shim nor the run was touched"

    asyncio.run(scenario())
