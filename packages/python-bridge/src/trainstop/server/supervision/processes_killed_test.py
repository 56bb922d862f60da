"""`kill -9` of the training process, and of the shim: what `kill_matrix_test` has no cell for."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import threading
from functools import partial
from typing import Any

import pytest

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import now, unix_seconds
from trainstop.rundir.control import write_control
from trainstop.server.jobs import supervision_view
from trainstop.server.supervision import attempt, journals, orphaned_tree, unverified
from trainstop.server.supervision.checkpoint_verification import verify_checkpoint
from trainstop.server.supervision.conftest import (
    STAGES,
    Desk,
    processes_of,
    serving,
    supervised,
    until,
    until_async,
)


def kill_shim(desk: Desk, job_id: str) -> None:
    shim = read_json(desk.run(job_id).shim_identity) or {}
    os.kill(shim["pid"], signal.SIGKILL)


def freeze_shim(desk: Desk, job_id: str) -> None:
    shim = read_json(desk.run(job_id).shim_identity) or {}
    os.kill(shim["pid"], signal.SIGSTOP)


def kill_training(desk: Desk, job_id: str) -> None:
    os.kill(desk.told(job_id, "started")[0]["pid"], signal.SIGKILL)


def is_unsupervised(desk: Desk, job_id: str) -> bool:
    return bool(desk.job(job_id)["health"] == "unsupervised")


def test_a_training_process_killed_while_no_server_is_there_ends_the_same_way(desk: Desk) -> None:
    job_id = desk.start(leaves="yes")
    with serving(desk.place):
        until(lambda: desk.is_training(job_id), "training")
    kill_training(desk, job_id)
    with serving(desk.place):
        job = until(lambda: desk.ended(job_id), "the end")
    assert (job["status"], job["end"]["cause"]) == ("failed", "killed")
    assert desk.statuses(job_id) == ["pending", "running", "failed"]
    desk.expect_nobody_left(job_id)


@pytest.mark.parametrize("server_is_there", [True, False])
def test_without_its_shim_a_run_goes_on_and_can_be_stopped(desk: Desk, server_is_there: bool) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(leaves="yes")
            await until_async(lambda: desk.is_training(job_id), "training")
            if server_is_there:
                kill_shim(desk, job_id)
                await until_async(partial(is_unsupervised, desk, job_id), "unsupervised")
        if not server_is_there:
            kill_shim(desk, job_id)
        async with supervised(desk):
            await until_async(partial(is_unsupervised, desk, job_id), "unsupervised")
            seen = len(desk.steps(job_id))
            await until_async(partial(desk.is_training, job_id, seen), "more training")
            assert desk.job(job_id)["status"] == "running"
            desk.cancel(job_id)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        receipts = desk.receipts(job_id)
        assert tuple(receipts) == STAGES
        for stage in ("delivered", "acknowledged", "checkpoint_saved", "process_exited"):
            assert receipts[stage]["state"] == "done"
        assert desk.steps(job_id) == list(range(1, job["last_checkpoint"]["step"] + 1))
        assert desk.statuses(job_id) == ["pending", "running", "stopping", "cancelled"]
        assert len(desk.told(job_id, "delivered")) == 1
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_without_its_shim_the_deaf_are_terminated_and_killed_in_time(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            kill_shim(desk, job_id)
            await until_async(partial(is_unsupervised, desk, job_id), "unsupervised")
            desk.cancel(job_id, grace_seconds=1)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        command = job["last_command"]
        assert all(fact["at"] >= command["term_at"] for fact in desk.told(job_id, "term_sent"))
        assert desk.told(job_id, "kill_sent")[0]["at"] >= command["deadline"]
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_frozen_shim_holds_up_no_stop_for_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "STUCK_SHIM_SECONDS", 0.5)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            freeze_shim(desk, job_id)
            desk.cancel(job_id, grace_seconds=1)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert (job["status"], job["last_command"]["status"]) == ("cancelled", "succeeded")
        assert desk.told(job_id, "kill_sent")[0]["at"] >= job["last_command"]["deadline"]
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_shim_that_has_written_since_the_deadline_is_left_to_prove_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "STUCK_SHIM_SECONDS", 0.0)
    look = attempt.Attempt._shim_is_stuck
    looks: list[bool] = []

    def counted(self: attempt.Attempt) -> bool:
        looks.append(look(self))
        return looks[-1]

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            freeze_shim(desk, job_id)
            # As if it had been at work just after the deadline that comes now, and not stopped.
            monkeypatch.setattr(attempt, "process_stat", lambda pid: ("S", 1, 0))
            os.utime(desk.run(job_id).shim_journal, (now() + 3600, now() + 3600))
            desk.cancel(job_id, grace_seconds=0)
            monkeypatch.setattr(attempt.Attempt, "_shim_is_stuck", counted)
            await until_async(lambda: len(looks) >= 3, "looks past the deadline")
            assert not any(looks)
            shim = read_json(desk.run(job_id).shim_identity) or {}
            os.kill(shim["pid"], signal.SIGCONT)
            await until_async(lambda: desk.ended(job_id), "the stop")
        assert desk.receipts(job_id)["process_exited"]["by"] == "shim"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_without_its_shim_force_kills_at_once(desk: Desk) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            kill_shim(desk, job_id)
            await until_async(partial(is_unsupervised, desk, job_id), "unsupervised")
            desk.cancel(job_id, grace_seconds=3600)
            desk.cancel(job_id, mode="force")
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_without_its_shim_force_kills_also_while_a_checkpoint_is_being_verified(
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
            job_id = desk.start(leaves="yes")
            await until_async(begun.is_set, "the verification")
            kill_shim(desk, job_id)
            desk.cancel(job_id, mode="force")
            await until_async(lambda: processes_of(desk.place) == [], "the kill")
            assert not go_on.is_set()
            go_on.set()
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        assert job["last_checkpoint"]["step"] == 200

    asyncio.run(scenario())


def test_with_shim_and_server_killed_during_a_stop_the_next_server_climbs_on(desk: Desk) -> None:
    job_id = desk.start(template="deaf")
    with serving(desk.place):
        until((desk.place / "ready").exists, "the script")
        kill_shim(desk, job_id)
        until(partial(is_unsupervised, desk, job_id), "unsupervised")
        desk.cancel(job_id, grace_seconds=3)
        until(lambda: "delivered" in desk.receipts(job_id), "the delivery")
    with serving(desk.place):
        job = until(lambda: desk.ended(job_id), "the stop")
    assert job["status"] == "cancelled"
    assert len(desk.told(job_id, "term_sent")) <= 1, "never twice"
    assert desk.told(job_id, "kill_sent")[0]["at"] >= job["last_command"]["deadline"]
    assert tuple(desk.receipts(job_id)) == STAGES
    desk.expect_nobody_left(job_id)


def test_the_end_of_a_run_without_its_shim_is_told_as_interrupted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision_view, "LINGER_SECONDS", 0.2)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(leaves="yes")
            await until_async(lambda: desk.is_training(job_id), "training")
            kill_shim(desk, job_id)
            await until_async(partial(is_unsupervised, desk, job_id), "unsupervised")
            kill_training(desk, job_id)
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert (job["status"], job["end"]["cause"], job["health"]) == ("failed", "interrupted", "ok")
        assert desk.statuses(job_id) == ["pending", "running", "failed"]
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_shim_killed_before_it_started_anything_is_an_interrupted_run_that_never_starts(desk: Desk) -> None:
    async def scenario() -> None:
        job_id = desk.start()
        run = desk.run(job_id)
        run.path.mkdir(parents=True)
        os.mkfifo(run.output)  # the shim waits here for somebody who reads the output
        async with supervised(desk):
            await until_async(lambda: desk.jobs.supervised()[0].launched, "the shim")
            kill_shim(desk, job_id)
            job = await until_async(lambda: desk.ended(job_id), "the end")
        assert (job["status"], job["end"]["cause"]) == ("failed", "interrupted")
        assert desk.statuses(job_id) == ["pending", "failed"]
        desk.expect_nobody_left(job_id)
        assert not (desk.place / "tally").exists()

    asyncio.run(scenario())


def test_shim_and_run_killed_while_no_server_is_there_is_told_as_interrupted(desk: Desk) -> None:
    job_id = desk.start()
    with serving(desk.place):
        until(lambda: desk.is_training(job_id), "training")
    kill_shim(desk, job_id)
    kill_training(desk, job_id)
    with serving(desk.place):
        job = until(lambda: desk.ended(job_id), "the end")
    assert (job["status"], job["end"]["cause"]) == ("failed", "interrupted")
    assert not desk.told(job_id, "swept"), "nobody was there to be swept"


@pytest.mark.parametrize("trouble", ["the run directory was removed", "the disk is full"])
@pytest.mark.parametrize("mode", ["graceful", "force"])
def test_a_stop_that_the_shim_cannot_be_told_ends_in_time_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, trouble: str, mode: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            await until_async(lambda: desk.job(job_id)["status"] == "running", "its start")
            if trouble == "the disk is full":
                monkeypatch.setattr(attempt, "write_control", full)
            else:
                shutil.rmtree(desk.run(job_id).path)
            desk.cancel(job_id, mode=mode, grace_seconds=1 if mode == "graceful" else 3600)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        assert now() >= unix_seconds(job["last_command"]["deadline"])
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


@pytest.mark.parametrize("trouble", ["the run directory was removed", "the server's disk is full"])
def test_who_obeys_the_servers_own_sigterm_was_cancelled_and_has_not_finished_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="polite")
            await until_async((desk.place / "ready").exists, "the script")
            await until_async(lambda: desk.job(job_id)["status"] == "running", "its start")
            if trouble == "the run directory was removed":
                shutil.rmtree(desk.run(job_id).path)
            else:
                monkeypatch.setattr(attempt, "write_control", full)
                monkeypatch.setattr(orphaned_tree, "Journal", full)
            desk.cancel(job_id, grace_seconds=6)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert (job["status"], job["last_command"]["status"]) == ("cancelled", "succeeded")
        assert job["end"]["signal"] is None, "it obeyed, and was not killed"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_once_the_disk_takes_the_stop_the_shim_has_it_again_and_the_run_saves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0

    def full_twice(*arguments: Any) -> None:
        nonlocal refused
        refused += 1
        if refused <= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_control(*arguments)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start()
            await until_async(lambda: desk.is_training(job_id), "training")
            monkeypatch.setattr(attempt, "write_control", full_twice)
            desk.cancel(job_id, grace_seconds=3600)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert (job["status"], job["health"]) == ("cancelled", "ok")
        assert desk.receipts(job_id)["checkpoint_saved"]["state"] == "done"
        assert len(desk.told(job_id, "delivered")) == 1
        assert desk.told(job_id, "term_sent") == []

    asyncio.run(scenario())


def test_the_end_of_a_run_does_not_wait_for_ever_for_a_journal_that_cannot_be_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(attempt, "END_PATIENCE_SECONDS", 1.0)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start()
            await until_async(lambda: desk.is_training(job_id), "training")
            monkeypatch.setattr(journals, "read_placed_facts", refused)
            desk.cancel(job_id)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"

    asyncio.run(scenario())
