"""Children that do all they can to get away, with and without a shim, with and without a cgroup."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from trainstop.rundir.control import read_control
from trainstop.rundir.process_identity import process_stat
from trainstop.server.supervision.orphaned_tree import OrphanedTree
from trainstop.shim.conftest import CHILD_KINDS, is_there, wait_until, wait_until_gone
from trainstop.shim.job_cgroup_test import can_make
from trainstop.shim.supervisor_test import CHANGED, FORKING_WHILE_KILLED

if TYPE_CHECKING:
    from trainstop.shim.conftest import Attempt

KINDS = (*CHILD_KINDS, "bare", "stopped", "traced", "in_a_pid_namespace", "dead")
NO_CGROUP = ("-c", CHANGED.format("s.cgroup_around = lambda *_: None"))

UNSEEN = {("bare", "shim killed", "no cgroup")}
"""What docs/supervision.md says can't be found without shim and cgroup."""

CASES = [
    (kind, shim, cgroup)
    for kind in KINDS
    for shim in ("with its shim", "shim killed")
    for cgroup in ("cgroup", "no cgroup")
]


def start(attempt: Attempt, argv: list[str], cgroup: str) -> None:
    attempt.write_spec(argv, linger_seconds=0.2)
    program = {"cgroup": ("-m", "trainstop.shim"), "no cgroup": NO_CGROUP}[cgroup]
    assert attempt.launch(program=program).returncode == 0


def expect_cgroup(attempt: Attempt, cgroup: str) -> None:
    """Where this machine lets nobody make one, the cases "cgroup" are the same as those without."""
    made = attempt.fact("starting")["cgroup"] is not None
    assert made == (cgroup == "cgroup" and can_make() is not None)


def stop_without_shim(attempt: Attempt) -> None:
    """As the server does it."""
    os.kill(attempt.shim.pid, signal.SIGKILL)
    wait_until_gone(attempt.shim)
    attempt.ask(mode="force", poked=False)
    tree = OrphanedTree(attempt.run, "job_test", 0.2)

    def gone() -> bool:
        tree.act(read_control(attempt.run.control), written=True)
        return not tree.living()

    wait_until(gone)
    tree.forget()


@pytest.mark.parametrize(("kind", "shim", "cgroup"), CASES, ids=[", ".join(case) for case in CASES])
def test_nobody_gets_away(attempt: Attempt, kind: str, shim: str, cgroup: str) -> None:
    start(attempt, attempt.family(kind, main="deaf"), cgroup)
    family = attempt.meet("main", kind)
    expect_cgroup(attempt, cgroup)
    expected_state = {"stopped": "T", "traced": "t", "dead": "Z"}.get(kind)
    if expected_state is not None:
        wait_until(lambda: (process_stat(family[kind].pid) or "")[0] == expected_state)

    if shim == "with its shim":
        attempt.ask(mode="force")
        attempt.wait_for_exit()
        assert attempt.fact("tree_gone")["proven"] is True
    else:
        stop_without_shim(attempt)

    unseen = {kind} if (kind, shim, cgroup if can_make() else "no cgroup") in UNSEEN else set()
    assert {name for name, process in family.items() if is_there(process)} == unseen


@pytest.mark.parametrize("cgroup", ["cgroup", "no cgroup"])
@pytest.mark.parametrize("shim", ["with its shim", "shim killed"])
def test_who_forks_while_being_killed_does_not_get_away(attempt: Attempt, shim: str, cgroup: str) -> None:
    [*python, family, _] = attempt.family()
    start(attempt, [*python, FORKING_WHILE_KILLED, family], cgroup)
    attempt.meet("main", "nurse")
    expect_cgroup(attempt, cgroup)
    if shim == "with its shim":
        attempt.ask(mode="force")
        attempt.wait_for_exit()
    else:
        stop_without_shim(attempt)
    assert carriers(attempt) == []


def carriers(attempt: Attempt) -> list[int]:
    """Everybody with this test's mark, found in another way than the code under test finds them."""
    mark, found = f"TRAINSTOP_TEST_MARK={attempt.mark}".encode(), []
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            with open(f"/proc/{name}/environ", "rb") as environ:  # noqa: PTH123
                if mark in environ.read().split(b"\0"):
                    found.append(int(name))
        except (OSError, ValueError):
            continue
    return found


STRANGER = "import signal; signal.pause()"


def test_a_stranger_in_the_same_session_and_directory_is_left_alone(attempt: Attempt) -> None:
    pid = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-I", "-S", "-c", STRANGER])
    try:
        start(attempt, attempt.family(main="deaf"), "cgroup")
        attempt.meet("main")
        stop_without_shim(attempt)
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
