"""A disk that takes nothing must not stop a stop."""

from __future__ import annotations

import resource
import signal
import time
from typing import TYPE_CHECKING

from trainstop.rundir.clock import unix_seconds
from trainstop.shim.conftest import is_there, wait_until_gone

if TYPE_CHECKING:
    from trainstop.rundir.clock import unix_seconds
from trainstop.shim.conftest import Attempt


def let_no_file_grow_beyond(attempt: Attempt, size: int) -> None:
    """For the shim, as on a full disk; -1 lifts it again."""
    limit = resource.RLIM_INFINITY if size < 0 else size
    resource.prlimit(attempt.shim.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_on_a_full_disk_the_ladder_goes_on_and_the_facts_are_told_later_with_their_time(
    attempt: Attempt,
) -> None:
    family = attempt.start_family("setsid", main="deaf")
    attempt.wait_for("started")
    # Ten bytes are left: the next fact breaks off within its line.
    let_no_file_grow_beyond(attempt, attempt.run.shim_journal.stat().st_size + 10)
    attempt.ask(mode="force")
    for process in family.values():
        wait_until_gone(process)
    assert attempt.told() == ["started"]
    assert not attempt.run.exit_record.exists()
    assert is_there(attempt.shim)
    lifted_at = time.time()

    let_no_file_grow_beyond(attempt, -1)

    record = attempt.wait_for_exit()
    assert record["signal"] == signal.SIGKILL
    assert attempt.told() == [
        *("started", "delivered", "kill_sent", "main_exited", "swept", "tree_gone", "resources")
    ]
    times = [fact["at"] for fact in attempt.facts()]
    assert times == sorted(times)
    assert unix_seconds(attempt.fact("delivered")["at"]) <= lifted_at + 0.001


def test_a_run_directory_that_was_removed_does_not_keep_the_shim(attempt: Attempt) -> None:
    family = attempt.start_family("plain")
    shim = attempt.shim
    attempt.run.path.rename(attempt.run.path.with_name("elsewhere"))
    attempt.tell_main_to_exit(0)
    wait_until_gone(shim)
    assert not any(is_there(process) for process in family.values())
