"""A disk that takes nothing must not stop a stop."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from typing import TYPE_CHECKING, Any

from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.journal import Journal
from trainstop.shim.conftest import is_there, wait_until, wait_until_gone
from trainstop.shim.facts import Facts

if TYPE_CHECKING:
    from trainstop.shim.conftest import Attempt


def fill_the_disk(attempt: Attempt) -> int:
    """For the shim alone. Ten bytes are left, so that the next fact breaks off within its line; returns the
    size the journal has when that was tried."""
    size = attempt.run.shim_journal.stat().st_size + 10
    resource.prlimit(attempt.shim.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    return size


def free_the_disk(attempt: Attempt) -> None:
    limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(attempt.shim.pid, resource.RLIMIT_FSIZE, limits)


def test_on_a_full_disk_the_ladder_goes_on_and_what_happened_is_told_later(attempt: Attempt) -> None:
    family = attempt.start_family("setsid", main="deaf")
    attempt.wait_for("started")
    fill_the_disk(attempt)
    attempt.ask(mode="force")
    for process in family.values():
        wait_until_gone(process)
    assert attempt.told() == ["starting", "started"]
    assert not attempt.run.exit_record.exists()
    assert is_there(attempt.shim)

    free_the_disk(attempt)

    assert attempt.wait_for_exit()["signal"] == signal.SIGKILL
    assert attempt.told() == [
        *("starting", "started", "delivered", "kill_sent", "main_exited", "swept", "tree_gone", "resources")
    ]


def test_a_fact_that_did_not_fit_is_told_when_there_is_room_with_the_time_when_it_was_seen(
    attempt: Attempt,
) -> None:
    attempt.start_family()
    attempt.wait_for("started")
    full = fill_the_disk(attempt)
    attempt.ask(action="pause")
    wait_until(lambda: attempt.run.shim_journal.stat().st_size == full)
    freed_at = time.time()

    free_the_disk(attempt)

    assert unix_seconds(attempt.wait_for("delivered")["at"]) <= freed_at + 0.001


def test_the_exit_record_comes_after_every_fact_or_not_at_all(attempt: Attempt) -> None:
    class FullDisk(Journal):
        full = True

        def append_all(self, facts: list[dict[str, Any]]) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().append_all(facts)

    journal = FullDisk(attempt.run.shim_journal)
    facts = Facts(attempt.run, journal, str(attempt.server_wake))
    facts.tell("tree_gone", proven=True)
    assert facts.conclude({"exit_code": 0}) is False
    assert not attempt.run.exit_record.exists()
    journal.full = False
    assert facts.conclude({"exit_code": 0}) is True
    assert attempt.told() == ["tree_gone"]
    assert read_json(attempt.run.exit_record) == {"exit_code": 0}
    journal.close()


def test_a_run_directory_that_was_removed_does_not_keep_the_shim(attempt: Attempt) -> None:
    family = attempt.start_family("plain")
    shim = attempt.shim
    attempt.run.path.rename(attempt.run.path.with_name("elsewhere"))
    attempt.tell_main_to_exit(0)
    wait_until_gone(shim)
    assert not any(is_there(process) for process in family.values())


def test_a_shim_at_work_without_news_is_not_taken_for_stuck(attempt: Attempt) -> None:
    facts = Facts(attempt.run, Journal(attempt.run.shim_journal), None)
    facts.tell("started", pid=1, start_ticks=1)
    os.utime(attempt.run.shim_journal, (1, 1))
    told = attempt.run.shim_journal.read_bytes()
    facts.still_here()
    assert attempt.run.shim_journal.stat().st_mtime > 1
    assert attempt.run.shim_journal.read_bytes() == told
