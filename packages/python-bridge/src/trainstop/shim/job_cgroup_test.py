"""Real cgroups where this machine lets us make them; where it doesn't, that there is none is what is tested.

`can_make` asks the machine, not the code under test: a delegated cgroup that we fail to use fails the tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainstop.shim import job_cgroup
from trainstop.shim.conftest import CHILD_KINDS, WAIT_SECONDS, is_there, wait_until, wait_until_gone
from trainstop.shim.job_cgroup import JobCgroup, cgroup_around, own_cgroup, recorded_cgroup, remove_leftovers
from trainstop.shim.process_tree import Process, kill_until_gone, start_ticks_of

if TYPE_CHECKING:
    from trainstop.shim.conftest import Attempt

NOBODY = 65534


def can_make() -> str | None:
    """Our own cgroup, as the kernel's file system shows it, where a process may be put into one below it."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    ours = [line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    for mount in [Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2"]:
        path = mount / ours[0].removeprefix("0::/")
        if os.access(path, os.W_OK) and os.access(path / "cgroup.procs", os.W_OK):
            return str(path)
    return None


@pytest.fixture
def sleeper() -> Iterator[Process]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]) as child:
        try:
            yield Process(child.pid, start_ticks_of(child.pid))
        finally:
            child.kill()


def test_where_the_machine_lets_us_each_attempt_gets_a_cgroup_and_elsewhere_none(attempt: Attempt) -> None:
    family = attempt.start_family(*CHILD_KINDS, main="deaf")
    cgroup = recorded_cgroup(attempt.fact("starting")["cgroup"])
    assert (cgroup is not None) == (can_make() is not None)
    if cgroup is not None:
        assert set(cgroup.processes()) == set(family.values())
        assert attempt.shim not in cgroup.processes()

    attempt.ask(mode="force")
    attempt.wait_for_exit()

    assert not any(is_there(process) for process in family.values())
    assert set(attempt.fact("kill_sent")["pids"]) == {process.pid for process in family.values()}
    assert attempt.fact("tree_gone")["proven"] is True
    assert cgroup is None or not Path(cgroup.path).exists()


def test_a_kill_by_cgroup_leaves_nobody_in_it_or_below_it(sleeper: Process) -> None:
    cgroup = cgroup_around(sleeper, "job/a 1")
    assert (cgroup is not None) == (can_make() is not None)
    if cgroup is None:
        return
    assert os.path.dirname(cgroup.path) == can_make()  # noqa: PTH120
    below = Path(cgroup.path) / "made by the job"
    below.mkdir()
    (below / "cgroup.procs").write_text(str(sleeper.pid))
    assert cgroup.processes() == [sleeper]
    assert cgroup.is_populated()

    assert cgroup.kill()

    wait_until_gone(sleeper)
    wait_until(lambda: not cgroup.is_populated())
    assert cgroup.processes() == []
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    cgroup.remove()
    assert not Path(cgroup.path).exists()
    assert not cgroup.is_populated()
    assert not cgroup.kill()


def test_after_the_shims_death_it_still_says_who_is_left_and_kills_them(attempt: Attempt) -> None:
    family = attempt.start_family(*CHILD_KINDS)
    os.kill(attempt.shim.pid, signal.SIGKILL)
    cgroup = recorded_cgroup(attempt.fact("starting")["cgroup"])
    assert (cgroup is not None) == (can_make() is not None)
    if cgroup is None:
        return
    assert set(cgroup.processes()) == set(family.values())
    killed, left = kill_until_gone(cgroup.processes, seconds=WAIT_SECONDS)
    assert (killed, left) == (set(family.values()), [])
    wait_until(lambda: not cgroup.is_populated())
    cgroup.remove()


def as_nobody(body: Callable[[], None]) -> None:
    """Run it in a forked child that has given up every right of root."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            body()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def forked() -> Process:
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    return Process(pid, start_ticks_of(pid))


def test_whoever_may_not_write_to_his_cgroup_gets_none_and_no_complaint(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def refused() -> None:
        child = forked()
        found = cgroup_around(child, "refused")
        os.kill(child.pid, signal.SIGKILL)
        assert found is None

    if os.getuid() == 0:
        as_nobody(refused)
    elif can_make() is None:
        refused()
    assert capfd.readouterr() == ("", "")


def test_a_cgroup_delegated_as_systemd_does_is_used_without_being_root() -> None:
    """Owned by the service's user, with the service in it: what `Delegate=yes` comes to."""
    above = can_make()
    if above is None or os.getuid() != 0:
        assert cgroup_around(forked_and_killed(), "nobody") is None or above is not None
        return
    unit = Path(above) / f"test-unit-{os.getpid()}"
    unit.mkdir()

    def served() -> None:
        assert own_cgroup() == str(unit)
        child = forked()
        cgroup = cgroup_around(child, "job_a-1")
        assert cgroup is not None
        assert cgroup.processes() == [child]
        assert cgroup.kill()
        assert os.waitpid(child.pid, 0)[1] == signal.SIGKILL
        wait_until(lambda: not cgroup.is_populated())
        cgroup.remove()
        assert not Path(cgroup.path).exists()

    def enter_and_serve() -> None:
        pid = os.fork()
        if pid == 0:
            (unit / "cgroup.procs").write_text("0")
            for path in (
                unit,
                unit / "cgroup.procs",
                unit / "cgroup.subtree_control",
                unit / "cgroup.threads",
            ):
                os.chown(path, NOBODY, NOBODY)
            try:
                as_nobody(served)
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0

    try:
        enter_and_serve()
    finally:
        unit.rmdir()


def forked_and_killed() -> Process:
    child = forked()
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    return child


def test_a_process_that_died_before_it_could_be_put_anywhere_leaves_no_cgroup(tmp_path: Path) -> None:
    assert cgroup_around(forked_and_killed(), f"dead-{os.getpid()}") is None
    above = can_make()
    assert above is None or not [name for name in os.listdir(above) if f"dead-{os.getpid()}" in name]  # noqa: PTH208


# What the kernel never does on demand, in a directory that looks like one of its own.


def fake(path: Path, *, events: str = "populated 0\nfrozen 0\n", procs: str = "") -> JobCgroup:
    path.mkdir()
    (path / "cgroup.events").write_text(events)
    (path / "cgroup.procs").write_text(procs)
    return JobCgroup(str(path), path.stat().st_ino)


def test_the_same_path_made_again_by_others_is_not_the_jobs_cgroup(tmp_path: Path) -> None:
    cgroup = fake(tmp_path / "trainstop-job_a-1")
    assert recorded_cgroup(cgroup.record) is not None
    assert recorded_cgroup({**cgroup.record, "inode": cgroup.inode + 1}) is None


@pytest.mark.parametrize(
    "record",
    [None, [], {}, {"path": "/", "inode": 1}, {"path": 7, "inode": 1}, {"path": "/trainstop-\0", "inode": 1}],
)
def test_a_record_that_leads_elsewhere_is_no_cgroup(record: object) -> None:
    assert recorded_cgroup(record) is None


def test_events_that_cannot_be_read_prove_nothing(tmp_path: Path) -> None:
    path = tmp_path / "trainstop-x"
    (path / "cgroup.events").mkdir(parents=True)
    assert JobCgroup(str(path), 1).is_populated()


def test_a_kernel_without_cgroup_kill_says_so(tmp_path: Path) -> None:
    assert not fake(tmp_path / "trainstop-x").kill()


@pytest.mark.parametrize(
    ("ours", "mounts", "found"),
    [
        (
            "0::/system.slice/t.service\n",
            "36 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/system.slice/t.service",
        ),
        (
            "9:cpu:/\n0::/\n",
            "3 2 0:1 / /sys rw - sysfs s rw\n36 24 0:26 / /a\\040b rw,x - cgroup2 c rw\n",
            "/a b",
        ),
        ("0::/docker/ab/x\n", "36 24 0:26 /docker/ab /sys/fs/cgroup ro - cgroup2 c ro\n", "/sys/fs/cgroup/x"),
        ("0::/docker/abc\n", "36 24 0:26 /docker/ab /sys/fs/cgroup ro - cgroup2 c ro\n", None),
        ("0::/../elsewhere\n", "36 24 0:26 / /sys/fs/cgroup rw - cgroup2 c rw\n", None),
        ("9:cpu:/\n", "36 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", None),
        ("", "", None),
    ],
)
def test_our_own_cgroup_is_found_wherever_it_is_mounted(
    tmp_path: Path, ours: str, mounts: str, found: str | None
) -> None:
    (tmp_path / "cgroup").write_text(ours)
    (tmp_path / "mountinfo").write_text(mounts)
    assert own_cgroup(str(tmp_path)) == found


def test_only_empty_old_ones_of_ours_are_left_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_cgroup, "own_cgroup", lambda: str(tmp_path))
    # A plain directory can't be removed with files in it, as a cgroup can: what would be removed is noted.
    removed: list[str] = []
    monkeypatch.setattr(JobCgroup, "remove", lambda cgroup: removed.append(Path(cgroup.path).name))
    for name, events in (("trainstop-old", "populated 0\n"), ("trainstop-live", "populated 1\n")):
        fake(tmp_path / name, events=events)
        os.utime(tmp_path / name, (0, 0))
    fake(tmp_path / "trainstop-new")
    fake(tmp_path / "other")
    os.utime(tmp_path / "other", (0, 0))
    remove_leftovers()
    assert removed == ["trainstop-old"]
