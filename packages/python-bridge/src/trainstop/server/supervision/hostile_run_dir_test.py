"""A script can do to its run directory what it likes. It is stopped all the same, in time, and told truly."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.layout import RunDir
from trainstop.server.supervision import attempt, journals
from trainstop.server.supervision.access import restore_access
from trainstop.server.supervision.conftest import Desk, supervised, until_async
from trainstop.server.supervision.exit_record import read_exit_record


def signal_shim(desk: Desk, job_id: str, number: signal.Signals) -> None:
    os.kill((read_json(desk.run(job_id).shim_identity) or {})["pid"], number)


def replace_by_fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def replace_by_link_to_nothing(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("nothing")


def replace_by_directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path / "below").mkdir(parents=True)


@pytest.mark.parametrize(
    "replace",
    [replace_by_fifo, replace_by_link_to_nothing, replace_by_directory],
    ids=lambda each: each.__name__,
)
@pytest.mark.parametrize("kill", [False, True], ids=["its shim lives", "its shim is killed"])
def test_whatever_lies_in_the_places_of_its_files_it_is_stopped_in_time(
    desk: Desk, replace: Callable[[Path], None], kill: bool
) -> None:
    async def scenario() -> None:
        async with supervised(desk):
            job_id, other = desk.start(template="deaf"), desk.start()
            await until_async((desk.place / "ready").exists, "the script")
            await until_async(partial(desk.is_training, other), "training")
            if kill:
                signal_shim(desk, job_id, signal.SIGKILL)
            run = desk.run(job_id)
            for path in (run.control, run.exit_record, run.rank_journal(7), run.path / "supervisor.jsonl"):
                replace(path)
            desk.cancel(job_id, grace_seconds=1)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
            assert (job["status"], job["last_command"]["status"]) == ("cancelled", "succeeded")
            desk.cancel(other, mode="force")
            await until_async(lambda: desk.ended(other), "the other's stop")
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_frozen_shim_whose_journal_seems_to_grow_holds_up_no_stop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "STUCK_SHIM_SECONDS", 0.5)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            signal_shim(desk, job_id, signal.SIGSTOP)
            os.utime(desk.run(job_id).shim_journal, (4e9, 4e9))
            desk.cancel(job_id, grace_seconds=1)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_journals_that_nobody_can_read_and_a_shim_that_does_nothing_hold_up_no_stop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(attempt, "STUCK_SHIM_SECONDS", 0.5)
    monkeypatch.setattr(attempt, "END_PATIENCE_SECONDS", 0.5)

    def refused(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            monkeypatch.setattr(journals, "read_placed_facts", refused)
            signal_shim(desk, job_id, number)
            desk.cancel(job_id, grace_seconds=1)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled"
        desk.expect_nobody_left(job_id)

    asyncio.run(scenario())


def test_a_run_directory_that_its_script_closed_is_opened_again() -> None:
    """For a server that is not root, whom no permission keeps out."""
    job = Path(tempfile.mkdtemp(dir="/tmp"))
    run = RunDir(job / "attempts" / "1")
    before = os.geteuid()
    try:
        if before == 0:
            os.chown(job, 65534, 65534)
            os.seteuid(65534)
        run.path.mkdir(parents=True)
        run.exit_record.write_text('{"tree_gone_at": "2026-11-23T10:00:00.000Z"}')
        os.mkfifo(run.shim_wake)
        (run.path / "link").symlink_to("/etc/passwd")
        for path in (run.exit_record, run.path, run.path.parent, job):
            path.chmod(0)
        with pytest.raises(PermissionError):
            read_exit_record(run)
        assert restore_access(run)
        assert read_exit_record(run) is not None
        assert not restore_access(run)
    finally:
        os.seteuid(before)
        subprocess.run(["rm", "-rf", str(job)], check=True)


def test_who_finds_its_run_directory_closed_opens_it_and_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system keeps nobody out who is root, so here the test does."""
    closed: set[RunDir] = set()

    def kept_out(run: RunDir) -> Any:
        if closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read_exit_record(run)

    def opened(run: RunDir) -> bool:
        was_closed = bool(closed)
        closed.clear()
        return was_closed

    monkeypatch.setattr(attempt, "read_exit_record", kept_out)
    monkeypatch.setattr(attempt, "restore_access", opened)

    async def scenario() -> None:
        async with supervised(desk):
            job_id = desk.start(template="deaf")
            await until_async((desk.place / "ready").exists, "the script")
            closed.add(desk.run(job_id))
            desk.cancel(job_id, grace_seconds=1)
            job = await until_async(lambda: desk.ended(job_id), "the stop")
        assert job["status"] == "cancelled" and not closed

    asyncio.run(scenario())
