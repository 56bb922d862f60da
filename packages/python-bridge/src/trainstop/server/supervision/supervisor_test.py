from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.control import read_control, write_control
from trainstop.rundir.layout import server_wake
from trainstop.rundir.wake import poke
from trainstop.server.supervision import attempt as attempt_module
from trainstop.server.supervision import retried, unverified
from trainstop.server.supervision import supervisor as supervisor_module
from trainstop.server.supervision.attempt import Attempt
from trainstop.server.supervision.checkpoint_verification import verify_checkpoint
from trainstop.server.supervision.conftest import (
    WAIT_SECONDS,
    Desk,
    supervised,
    until_async,
)


def test_a_run_is_launched_followed_and_ends(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(steps="500")
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert job["status"] == "completed"
        assert desk.statuses(job_id) == ["pending", "running", "completed"]
        assert desk.steps(job_id) == list(range(1, 501))
        saved = desk.jobs.checkpoints(job_id, None)
        assert sorted((each["step"], each["verified"]) for each in saved) == [(200, True), (400, True)]
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_stop_is_obeyed_and_every_stage_has_its_receipt(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(leaves="yes")
            await until_async(lambda: desk.is_training(job_id), "training")
            desk.cancel(job_id)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        assert job["last_command"]["status"] == "succeeded"
        states = {stage: receipt["state"] for stage, receipt in desk.receipts(job_id).items()}
        assert states.pop("resources_released") == "not_measured"
        assert set(states.values()) == {"done"}
        assert job["last_checkpoint"]["step"] == desk.steps(job_id)[-1]
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_paused_run_goes_on_from_its_checkpoint(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start()
            await until_async(lambda: desk.is_training(job_id), "training")
            desk.pause(job_id)
            await until_async(lambda: desk.job(job_id)["status"] == "paused", "the pause")
            paused_at = desk.job(job_id)["last_checkpoint"]["step"]
            desk.resume(job_id)
            await until_async(lambda: desk.is_training(job_id, paused_at + 10), "training again")
            desk.cancel(job_id, mode="force")
            await until_async(lambda: desk.ended(job_id), "the end")
        assert desk.steps(job_id) == list(range(1, len(desk.steps(job_id)) + 1))
        assert desk.job(job_id)["attempt"] == 2

    asyncio.run(scenario())


def test_a_pause_that_nobody_heeds_expires_and_is_taken_back(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            desk.pause(job_id, grace_seconds=0.5)
            await until_async(
                lambda: (desk.job(job_id)["last_command"] or {}).get("status") == "expired", "the expiry"
            )
            assert desk.job(job_id)["status"] == "running"
            await until_async(lambda: read_json(desk.run(job_id).control) == {"command": None}, "control")

    asyncio.run(scenario())


def test_a_damaged_control_file_is_written_anew_by_the_next_server(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            command_id = desk.cancel(job_id, grace_seconds=3600)
            await until_async(lambda: "delivered" in desk.receipts(job_id), "the delivery")
        desk.run(job_id).control.write_bytes(b"")
        async with supervised(desk):
            await until_async(lambda: desk.run(job_id).control.stat().st_size, "control")
            found = read_control(desk.run(job_id).control)
            assert found is not None
            assert found["id"] == command_id
            desk.cancel(job_id, mode="force")
            await until_async(lambda: desk.ended(job_id), "the end")

    asyncio.run(scenario())


def test_force_kills_everybody_at_once(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            desk.cancel(job_id, grace_seconds=3600)
            await until_async(lambda: "delivered" in desk.receipts(job_id), "the delivery")
            desk.cancel(job_id, mode="force")
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert job["status"] == "cancelled"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_process_that_does_not_use_trainstop_is_asked_by_sigterm_at_once(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="polite")
            await until_async((desk.place / "ready").exists, "the script")
            desk.cancel(job_id, grace_seconds=3600)
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert job["status"] == "cancelled"
        assert job["end"]["exit_code"] == 0
        assert "SIGTERM" in job["end"]["message"]
        assert "never came to trainstop.run" in job["end"]["message"]
        receipts = desk.receipts(job_id)
        assert receipts["delivered"]["detail"].endswith("SIGTERM was sent at once.")
        assert "not known" in receipts["checkpoint_saved"]["detail"]
        [sent] = desk.told(job_id, "term_sent")
        assert job["last_command"]["term_at"] == sent["at"]
        assert desk.told(job_id, "kill_sent") == []
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_script_that_is_still_starting_when_the_stop_comes_ends_at_once_and_one_that_is_there_saves(
    desk: Desk,
) -> None:
    """Whichever side of coming to `trainstop.run` SIGTERM finds it on, and however close to it."""

    async def scenario() -> None:
        async with supervised(desk):
            starting = [desk.start() for _ in range(4)]
            await until_async(
                lambda: all(desk.job(each)["status"] == "running" for each in starting), "the start"
            )
            for each in starting:
                desk.cancel(each, grace_seconds=3600)
            jobs = [await until_async(partial(desk.ended, each), "the end") for each in starting]
        for job in jobs:
            assert job["status"] == "cancelled"
            came = desk.told(job["id"], "attached") != []
            assert came or job["end"]["signal"] == "SIGTERM"
            if desk.told(job["id"], "acknowledged"):
                assert desk.receipts(job["id"])["checkpoint_saved"]["state"] == "done"
                assert job["end"]["exit_code"] == 0
            assert desk.told(job["id"], "kill_sent") == []
            desk.expect_nobody_left(job["id"])

    asyncio.run(scenario())


def test_a_run_waits_for_its_place(place: Path) -> None:
    desk = Desk(place, max_running_jobs=1)

    async def scenario() -> None:
        async with supervised(desk):
            first, second = desk.start(), desk.start(steps="20")
            await until_async(lambda: desk.is_training(first), "the first")
            waiting = await until_async(lambda: desk.job(second)["warnings"], "why the second waits")
            assert [warning["code"] for warning in waiting] == ["waiting_for_place"]
            assert desk.job(second)["status"] == "pending"
            assert not desk.run(second).path.exists()
            desk.cancel(first, mode="force")
            job = await until_async(lambda: desk.ended(second), "the second")
        assert (job["status"], job["warnings"]) == ("completed", [])

    asyncio.run(scenario())
    desk.close()


def test_a_cancelled_run_that_waits_is_never_started(place: Path) -> None:
    desk = Desk(place, max_running_jobs=1)

    async def scenario() -> None:
        async with supervised(desk):
            first, second = desk.start(), desk.start()
            await until_async(lambda: desk.is_training(first), "the first")
            desk.cancel(second)
            desk.cancel(first, mode="force")
            third = desk.start(steps="20")
            await until_async(lambda: desk.ended(third), "the third")
        assert desk.job(second)["status"] == "cancelled"
        assert not desk.run(second).path.exists()

    asyncio.run(scenario())
    desk.close()


def test_a_run_that_cannot_be_launched_fails_and_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(attempt_module, "LAUNCH_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(retried, "FIRST_RETRY_SECONDS", 0.1)

    async def scenario() -> None:
        blocked = desk.start()
        (desk.place / "jobs").mkdir()
        (desk.place / "jobs" / blocked).write_text("a file is in the way")
        async with supervised(desk):
            other = desk.start(steps="20")
            job = await until_async(lambda: desk.ended(blocked), "the failure")
            await until_async(lambda: desk.ended(other), "the other")
        assert (job["status"], job["end"]["cause"]) == ("failed", "start_failed")
        assert "Not a directory" in job["end"]["message"]
        assert f"job {blocked}: following" in caplog.text
        assert desk.job(other)["status"] == "completed"

    asyncio.run(scenario())


def test_when_every_launcher_is_killed_the_run_is_told_as_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o700)
    monkeypatch.setattr(attempt_module, "LAUNCH_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(sys, "executable", str(killed))

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start()
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert (job["status"], job["end"]["cause"]) == ("failed", "start_failed")
        assert "launcher ended with -9" in job["end"]["message"]

    asyncio.run(scenario())


def test_a_fact_that_the_store_refuses_is_left_out_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record = desk.jobs.record

    def refusing(job_id: str, attempt: int, facts: Any, *where: Any) -> None:
        if any(fact["type"] == "poison" for fact in facts):
            raise ZeroDivisionError("a fault in the server")
        record(job_id, attempt, facts, *where)

    monkeypatch.setattr(desk.jobs, "record", refusing)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(steps="300")
            await until_async(lambda: desk.is_training(job_id), "training")
            with desk.run(job_id).rank_journal(0).open("ab") as journal:
                journal.write(b'{"at":"2026-11-23T18:09:00.123Z","type":"poison"}\n')
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert job["status"] == "completed"
        assert desk.steps(job_id) == list(range(1, 301))
        assert f"job {job_id}: left out" in caplog.text

    asyncio.run(scenario())


def test_while_the_store_is_in_trouble_nothing_is_lost_or_counted_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retried, "LAST_RETRY_SECONDS", 0.05)
    record = desk.jobs.record
    calls = 0

    def sometimes(job_id: str, attempt: int, facts: Any, *where: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise OperationalError("INSERT", None, Exception("database or disk is full"))
        record(job_id, attempt, facts, *where)

    monkeypatch.setattr(desk.jobs, "record", sometimes)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(steps="500")
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert job["status"] == "completed"
        assert desk.steps(job_id) == list(range(1, 501))

    asyncio.run(scenario())
    assert calls > 4


def test_a_command_is_handed_over_once_the_disk_takes_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retried, "LAST_RETRY_SECONDS", 0.05)
    full = True

    def when_there_is_room(*arguments: Any) -> None:
        if full:
            raise OSError(28, "No space left on device")
        write_control(*arguments)

    monkeypatch.setattr(attempt_module, "write_control", when_there_is_room)

    async def scenario() -> None:
        nonlocal full
        async with supervised(desk):
            job_id = desk.start()
            await until_async(lambda: desk.is_training(job_id), "training")
            desk.cancel(job_id)
            await until_async(lambda: caplog.text.count("handing over the command") > 2, "the complaint")
            assert read_control(desk.run(job_id).control) is None
            full = False
            await until_async(lambda: desk.ended(job_id), "the stop")
        assert desk.receipts(job_id)["acknowledged"]["state"] == "done"

    asyncio.run(scenario())


def test_stopping_the_server_leaves_the_run_alone_and_the_next_one_goes_on(desk: Desk) -> None:
    async def scenario() -> None:
        job_id = desk.start(steps="1500")
        for _ in range(3):
            seen = len(desk.steps(job_id))
            async with supervised(desk):
                await until_async(partial(desk.is_training, job_id, seen), "training")
        await until_async(desk.run(job_id).exit_record.exists, "the run's end, with no server")
        assert desk.job(job_id)["status"] == "running"
        async with supervised(desk):
            await until_async(lambda: desk.ended(job_id), "the end")
        assert desk.statuses(job_id) == ["pending", "running", "completed"]
        assert desk.steps(job_id) == list(range(1, 1501))
        assert (desk.place / "tally").read_text() == "started "

    asyncio.run(scenario())


def test_stopping_does_not_wait_for_a_long_verification_and_the_next_server_does_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> dict[str, Any]:
        begun.set()
        go_on.wait()
        return verify_checkpoint(*arguments)

    monkeypatch.setattr(unverified, "verify_checkpoint", slowly)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(steps="300")
            await until_async(begun.is_set, "the verification")
            await until_async(desk.run(job_id).exit_record.exists, "the run's end")
        assert not go_on.is_set()
        assert desk.jobs.checkpoints(job_id, None) == []
        go_on.set()
        async with supervised(desk):
            await until_async(lambda: desk.ended(job_id), "the end")
        assert [each["step"] for each in desk.jobs.checkpoints(job_id, None)] == [200]

    asyncio.run(scenario())


class SlowDisk:
    """Reading a checkpoint back takes until the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.read: list[str] = []
        monkeypatch.setattr(unverified, "verify_checkpoint", self._slowly)

    def _slowly(self, *arguments: Any) -> dict[str, Any]:
        self.begun.set()
        self.go_on.wait()
        self.read.append(arguments[2]["checkpoint_id"])
        return verify_checkpoint(*arguments)


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk(monkeypatch)
    yield disk
    disk.go_on.set()


def test_while_a_checkpoint_is_read_back_everything_else_is_told_but_the_end(
    desk: Desk, slow_disk: SlowDisk
) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start()
            await until_async(slow_disk.begun.is_set, "the reading")
            seen = len(desk.steps(job_id))
            await until_async(lambda: desk.is_training(job_id, seen), "more steps in the store")
            desk.cancel(job_id)
            await until_async(lambda: "process_exited" in desk.receipts(job_id), "the process's end")
            receipts = desk.receipts(job_id)
            assert receipts["acknowledged"]["state"] == receipts["process_exited"]["state"] == "done"
            assert "checkpoint_saved" not in receipts, "nobody has read it back"
            assert desk.job(job_id)["status"] == "stopping"
            assert desk.jobs.checkpoints(job_id, None) == []
            slow_disk.go_on.set()
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert desk.receipts(job_id)["checkpoint_saved"]["state"] == "done"
        saved = desk.jobs.checkpoints(job_id, None)
        assert all(each["verified"] for each in saved)
        assert job["last_checkpoint"]["step"] == max(each["step"] for each in saved) == desk.steps(job_id)[-1]
        assert len(slow_disk.read) == len(set(slow_disk.read)), "each once"
        assert slow_disk.read[1] == job["last_checkpoint"]["id"], "the stop's own comes first"

    asyncio.run(scenario())


def test_what_was_not_read_back_when_the_server_died_is_by_the_next_one(
    desk: Desk, slow_disk: SlowDisk
) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(steps="450")
            await until_async(lambda: desk.told(job_id, "tree_gone"), "the run's end")
            await until_async(lambda: len(desk.steps(job_id)) == 450, "its last step")
        assert not desk.ended(job_id)
        assert desk.jobs.checkpoints(job_id, None) == []
        slow_disk.go_on.set()
        for _ in range(2):
            async with supervised(desk):
                await until_async(lambda: desk.ended(job_id), "the end")
        saved = desk.jobs.checkpoints(job_id, None)
        assert sorted((each["step"], each["verified"]) for each in saved) == [(200, True), (400, True)]
        assert len([each for each in desk.events(job_id) if each["type"] == "checkpoint"]) == 2

    asyncio.run(scenario())


def test_a_checkpoint_removed_before_it_was_read_back_is_told_as_removed_and_never_offered(
    desk: Desk, slow_disk: SlowDisk
) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(steps="1100")  # retention keeps three
            await until_async(lambda: desk.told(job_id, "tree_gone"), "the run's end")
            slow_disk.go_on.set()
            await until_async(lambda: desk.ended(job_id), "the end")
        kept = [each["step"] for each in desk.jobs.checkpoints(job_id, None) if each["verified"]]
        assert sorted(kept)[-3:] == [600, 800, 1000]
        assert desk.job(job_id)["last_checkpoint"]["step"] == 1000
        there = [each for each in desk.jobs.checkpoints(job_id, None) if each.get("removed_at") is None]
        assert sorted(each["step"] for each in there if each["verified"]) == [600, 800, 1000]

    asyncio.run(scenario())


def test_stopping_ends_whatever_happens_at_the_same_time(desk: Desk) -> None:
    async def scenario() -> None:
        for turns in range(8):
            async with supervised(desk) as supervisor:
                await asyncio.sleep(0.01)  # its loops wait
                poke(server_wake(desk.place))
                supervisor._was_poked()
                supervisor._job_changed("job_x")
                for _ in range(turns):
                    await asyncio.sleep(0)

    async def in_time() -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            await scenario()

    asyncio.run(in_time())


def test_jobs_found_again_are_looked_at_in_turn_and_what_is_asked_waits_for_no_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_LOOKS", 1)
    monkeypatch.setattr(supervisor_module, "FIRST_LOOK_SECONDS", 3600.0)
    never = asyncio.Event()

    async def scenario() -> None:
        async with supervised(desk):
            first, asked, waiting = [desk.start() for _ in range(3)]
            for job_id in (first, asked, waiting):
                await until_async(partial(desk.is_training, job_id), "training")
        steps = len(desk.steps(waiting))
        follow = Attempt._follow_once

        async def the_first_hangs(attempt: Attempt) -> None:
            if attempt.job.job_id == first:
                await never.wait()
            await follow(attempt)

        monkeypatch.setattr(Attempt, "_follow_once", the_first_hangs)
        async with supervised(desk):
            desk.cancel(asked)
            await until_async(lambda: desk.ended(asked), "the end of the one that was asked")
            assert len(desk.steps(waiting)) == steps, "its turn has not come"
        monkeypatch.setattr(supervisor_module, "FIRST_LOOK_SECONDS", 0.05)
        async with supervised(desk):
            await until_async(lambda: desk.is_training(waiting, steps), "its turn")

    asyncio.run(scenario())
