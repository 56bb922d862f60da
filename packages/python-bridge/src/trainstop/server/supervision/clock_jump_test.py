"""A wall clock that is set by an hour in the middle of a stop: deadlines come neither early nor late.

Only the clock that the code asks is set; what is measured by is the machine's own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainstop.rundir.clock import unix_seconds
from trainstop.rundir.wake import poke
from trainstop.server.supervision import orphaned_tree
from trainstop.server.supervision.orphaned_tree import OrphanedTree
from trainstop.shim.conftest import is_there, wait_until
from trainstop.shim.supervisor_test import CHANGED

if TYPE_CHECKING:
    from trainstop.shim.conftest import Attempt

HOUR = 3600.0
SETTABLE = ("-c", CHANGED.format("import time; s.now = lambda: time.time() + float(open('{clock}').read())"))


def settable(clock: Path) -> tuple[str, str]:
    clock.write_text("0")
    return SETTABLE[0], SETTABLE[1].replace("{clock}", str(clock))


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_the_shim_keeps_its_deadline_when_the_clock_is_set_during_a_stop(
    attempt: Attempt, tmp_path: Path, jump: float
) -> None:
    clock = tmp_path / "clock"
    attempt.write_spec(attempt.family("plain", main="deaf"))
    assert attempt.launch(program=settable(clock)).returncode == 0
    family = attempt.meet("main", "plain")
    now = time.time()
    command = attempt.ask(term_at=now + 1, deadline=now + 1.6)
    attempt.wait_for("delivered")
    clock.write_text(str(jump))
    poke(attempt.run.shim_wake)  # the same file is read again, by another clock
    attempt.wait_for_exit()
    assert unix_seconds(attempt.fact("kill_sent")["at"]) >= command["deadline"] - 0.01
    for fact in attempt.facts():
        if fact["type"] == "term_sent":
            assert unix_seconds(fact["at"]) >= now + 1 - 0.01
    assert time.time() < command["deadline"] + HOUR / 2
    assert not any(is_there(process) for process in family.values())


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_the_server_in_its_place_keeps_it_too(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    family = attempt.start_family("plain", main="deaf")
    now, set_by = time.time(), 0.0
    monkeypatch.setattr(orphaned_tree, "now", lambda: time.time() + set_by)
    command = attempt.ask(term_at=now + 0.5, deadline=now + 1, poked=False)
    tree = OrphanedTree(attempt.run, "job_test", 5)
    tree.act(command, written=True)
    set_by = jump

    def killed() -> bool:
        tree.act(command, written=True)
        return not tree.living()

    wait_until(killed)
    assert command["deadline"] - 0.01 <= time.time() < command["deadline"] + HOUR / 2
    assert not any(is_there(process) for process in family.values())
