"""Real shims and real processes on a machine whose driver answers what a test says, through the real
probe."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainstop.gpu.conftest import GIB, QUICK, dead_pid, device
from trainstop.shim.conftest import is_there, wait_until
from trainstop.shim.process_tree import descendants

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainstop.gpu.conftest import FakeMachine
    from trainstop.shim.conftest import Attempt
    from trainstop.shim.process_tree import Process

GPU = "GPU 0 (NVIDIA H100)"
CHANGED = (
    "import sys, trainstop.shim.supervisor as s; {}; "
    "from trainstop.shim.launch import launch; sys.exit(launch(sys.argv[1:]))"
)


@pytest.fixture
def training(attempt: Attempt, machine: FakeMachine) -> Callable[..., dict[str, Process]]:
    """Starts a main process with these children on the fake machine."""

    def start(*kinds: str, main: str = "obedient") -> dict[str, Process]:
        attempt.python = machine.python
        return attempt.start_family(*kinds, main=main)

    return start


def short_release(machine: FakeMachine) -> None:
    short = {"AGAIN_SECONDS": 0.01, "RELEASE_SECONDS": 1.0}
    machine.set(constants={**QUICK, "trainstop.gpu.release": short})


def seen_and_stopped(attempt: Attempt, *, mode: str = "force") -> tuple[str, str]:
    """(state, detail) of the `resources` fact of a run that the driver was seen to list."""
    attempt.wait_for("gpu_seen")
    attempt.ask(mode=mode, term_at=time.time())
    attempt.wait_for_exit()
    fact = attempt.fact("resources")
    return fact["state"], fact["detail"]


def test_a_gpu_is_free_when_the_driver_lists_the_run_no_longer(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    family = training()
    machine.hold(family["main"].pid, listed=3, used=3)
    state, detail = seen_and_stopped(attempt)
    assert state == "done"
    assert detail.startswith(f"0 of 23.0 GiB left on {GPU}, ")
    assert detail.endswith(" s after the stop was delivered.")
    # Not before: the driver listed it for three questions more.
    assert (machine.place / f"questions-{family['main'].pid}").stat().st_size >= 4
    order = [type_ for type_ in attempt.told() if type_ in ("tree_gone", "resources")]
    assert order == ["tree_gone", "resources"]
    assert attempt.fact("tree_gone")["proven"] is True


def test_what_was_seen_is_written_down_for_whoever_must_go_on_without_the_shim(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    stranger = dead_pid()
    family = training("daemonised")
    machine.change(devices=[device(), device("GPU-1")])
    machine.hold(stranger, 4 * GIB, listed="for ever", used="for ever")
    for process in family.values():
        machine.hold(process.pid)
        machine.hold(process.pid, GIB, device="GPU-1")
    both = sorted([process.pid, process.start_ticks] for process in family.values())
    wait_until(lambda: sorted(attempt.facts()[-1].get("processes", [])) == both)
    fact = attempt.facts()[-1]
    first, second = sorted(fact["devices"], key=lambda each: str(each["uuid"]))
    assert (first["uuid"], first["name"], first["held_bytes"]) == ("GPU-0", GPU, 46 * GIB)
    assert (second["held_bytes"], second["unlisted_bytes"]) == (2 * GIB, GIB // 2)
    assert fact["others"] == [stranger]


def test_all_devices_must_come_free_whoever_of_the_run_holds_them(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.change(devices=[device(), device("GPU-1", name="NVIDIA L4")])
    family = training("daemonised")
    machine.hold(family["main"].pid)
    machine.hold(family["daemonised"].pid, GIB, device="GPU-1", listed=5, used=5)
    wait_until(lambda: len(attempt.facts()[-1].get("devices", [])) == 2)
    state, detail = seen_and_stopped(attempt)
    assert state == "done"
    assert f"0 of 23.0 GiB left on {GPU} and 0 of 1.0 GiB left on GPU 1 (NVIDIA L4), " in detail


def test_a_process_that_stays_listed_is_a_failure_that_names_it(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    short_release(machine)
    family = training()
    machine.hold(family["main"].pid, listed="for ever", used="for ever")
    state, detail = seen_and_stopped(attempt)
    assert state == "failed"
    assert f"the driver still lists process {family['main'].pid} on {GPU} with 23.0 GiB." in detail


def test_memory_that_does_not_come_back_is_a_failure_though_nobody_is_listed(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    short_release(machine)
    machine.hold(training()["main"].pid, used="for ever")
    state, detail = seen_and_stopped(attempt)
    assert state == "failed"
    assert f"23.0 GiB of {GPU} had not come back, and no listed process accounts for that" in detail


def test_a_stranger_on_the_same_gpu_is_told_and_is_not_ours(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.hold(os.getpid(), 4 * GIB)
    machine.hold(training()["main"].pid)
    state, detail = seen_and_stopped(attempt)
    assert state == "done"
    assert f" Not of this run: process {os.getpid()} on {GPU} with 4.0 GiB." in detail


def test_a_run_that_the_driver_never_listed_is_not_measured(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.hold(os.getpid())  # somebody else
    training()
    wait_until(lambda: _questions(machine) >= 2)
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    assert attempt.fact("resources")["state"] == "not_measured"
    assert "never listed a process of this run" in attempt.fact("resources")["detail"]
    assert "gpu_seen" not in attempt.told()


def test_in_a_container_a_number_proves_nothing_unless_the_process_has_a_gpu_open(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.set(container=True, uses_device=False)
    machine.hold(training()["main"].pid)
    wait_until(lambda: _questions(machine) >= 2)
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    fact = attempt.fact("resources")
    assert (fact["state"], "container" in fact["detail"]) == ("not_measured", True)


def _questions(machine: FakeMachine) -> int:
    """How often the driver was asked: counted by a process that isn't there."""
    held = [hold["pid"] for hold in machine.state["holds"]]
    if not any(str(pid) == "1000000000" for pid in held):
        machine.hold(1_000_000_000, 0)
    counted = machine.place / "questions-1000000000"
    return counted.stat().st_size if counted.exists() else 0


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"init_error": 9}, "NVIDIA's driver answers: Driver Not Loaded."),
        ({"init_error": 999}, "NVIDIA's driver answers: Unknown Error."),
        ({"devices": [device(error=15)]}, "NVIDIA's driver answers: GPU is lost."),
        ({"devices": [device(list_error=4)]}, "NVIDIA's driver answers: Insufficient Permissions."),
        ({"devices": []}, "it is no longer there"),
        ({"trouble": "killed"}, "without an answer that makes sense"),
        ({"trouble": "garbage"}, "without an answer that makes sense"),
    ],
)
def test_a_driver_that_breaks_in_between_leaves_the_release_unknown(
    attempt: Attempt,
    machine: FakeMachine,
    training: Callable[..., dict[str, Process]],
    state: dict[str, object],
    why: str,
) -> None:
    short_release(machine)
    machine.hold(training()["main"].pid)
    attempt.wait_for("gpu_seen")
    machine.change(**state)
    resources, detail = seen_and_stopped(attempt)
    assert resources == "not_measured"
    assert detail.startswith(f"The run held {GPU}, but that can't be seen any more.")
    assert why in detail


@pytest.mark.parametrize("trouble", ["garbage", "killed"])
def test_answers_without_sense_are_never_more_than_not_measured(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]], trouble: str
) -> None:
    machine.change(trouble=trouble)
    family = training("plain")
    attempt.ask()
    attempt.wait_for("delivered")
    attempt.tell_main_to_exit(0)
    assert attempt.wait_for_exit()["exit_code"] == 0
    assert attempt.fact("resources")["state"] == "not_measured"
    assert not any(map(is_there, family.values()))


def test_a_driver_that_hangs_holds_up_neither_a_stop_nor_its_proof(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.change(trouble="hang")
    family = training("plain", "daemonised", "deaf", main="deaf")
    wait_until(lambda: len(descendants(attempt.shim.pid)) > len(family))
    [probe] = set(descendants(attempt.shim.pid)) - set(family.values())
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    # Fifteen seconds before the question would have been given up.
    assert attempt.fact("tree_gone")["proven"] is True
    assert set(attempt.fact("kill_sent")["pids"]) == {process.pid for process in family.values()}
    assert attempt.fact("swept")["killed"] == 3
    assert not is_there(probe)
    assert attempt.fact("resources")["state"] == "not_measured"
    assert "before NVIDIA's driver had answered" in attempt.fact("resources")["detail"]


def test_a_driver_that_hangs_once_the_tree_is_gone_is_waited_for_a_bounded_time(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    short_release(machine)
    machine.hold(training()["main"].pid)
    attempt.wait_for("gpu_seen")
    machine.change(trouble="hang")
    state, detail = seen_and_stopped(attempt)
    assert (state, detail) == ("not_measured", "The run held a GPU, but the driver has not answered since.")


def test_a_question_that_takes_too_long_is_given_up_and_the_next_may_be_answered(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.set(constants={**QUICK, "trainstop.gpu.probe": {"ANSWER_SECONDS": 3.0}})
    machine.change(trouble="hang")
    family = training()
    wait_until(lambda: len(descendants(attempt.shim.pid)) > len(family))
    [probe] = set(descendants(attempt.shim.pid)) - set(family.values())
    wait_until(lambda: not is_there(probe))
    machine.change(trouble=None)
    machine.hold(family["main"].pid)
    attempt.wait_for("gpu_seen")


def test_a_question_that_can_not_be_killed_is_told_instead_of_a_proof(
    attempt: Attempt, machine: FakeMachine
) -> None:
    machine.change(trouble="hang")
    attempt.python = machine.python
    attempt.write_spec(attempt.family("plain"))
    unkillable = (
        "import trainstop.gpu.probe as p; p.Probe.kill = lambda _: None; s._PROBE_STUCK_SECONDS = 0.3; "
        "s.cgroup_around = lambda *_: None"  # which would be the proof
    )
    assert attempt.launch(program=("-c", CHANGED.format(unkillable))).returncode == 0
    family = attempt.meet("main", "plain")
    wait_until(lambda: len(descendants(attempt.shim.pid)) > len(family))
    attempt.met.extend(descendants(attempt.shim.pid))  # whoever lingers is swept at the end of the test
    attempt.ask(mode="force")
    attempt.wait_for_exit()
    assert attempt.fact("tree_gone")["proven"] is False
    assert "can't be killed" in attempt.fact("tree_gone")["detail"]
    assert attempt.fact("resources")["state"] == "not_measured"
    assert not any(map(is_there, family.values()))


def test_the_probe_is_none_of_the_jobs_processes(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    machine.change(trouble="hang")
    family = training("deaf")
    wait_until(lambda: len(descendants(attempt.shim.pid)) > len(family))
    [probe] = set(descendants(attempt.shim.pid)) - set(family.values())
    proc = Path(f"/proc/{probe.pid}")
    environment = (proc / "environ").read_bytes().split(b"\0")
    assert not [name for name in environment if name.startswith(b"TRAINSTOP")]
    open_files = {str(link.readlink()) for link in (proc / "fd").iterdir()}
    assert not [path for path in open_files if str(attempt.run.path) in path]
    attempt.tell_main_to_exit(0)
    os.kill(family["deaf"].pid, signal.SIGKILL)
    attempt.wait_for_exit()
    assert attempt.fact("swept")["terminated"] <= 1


@pytest.mark.parametrize("how", ["pause", "by itself"])
def test_a_pause_and_an_end_that_nobody_asked_for_are_measured_too(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]], how: str
) -> None:
    machine.hold(training()["main"].pid, listed=2, used=2)
    attempt.wait_for("gpu_seen")
    if how == "pause":
        attempt.ask(action="pause", term_at=None)
        attempt.wait_for("delivered")
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()
    fact = attempt.fact("resources")
    assert fact["state"] == "done"
    assert ("after the stop was delivered" in fact["detail"]) == (how == "pause")


def test_without_the_library_the_driver_is_asked_once_and_the_answer_says_how_to_get_it(
    attempt: Attempt, machine: FakeMachine, training: Callable[..., dict[str, Process]]
) -> None:
    asked = machine.place / "asked"
    (machine.place / "pynvml.py").write_text(f"open({str(asked)!r}, 'a').write('x')\nraise ImportError")
    family = training()
    wait_until(lambda: asked.exists() and set(descendants(attempt.shim.pid)) == set(family.values()))
    attempt.ask()
    attempt.wait_for("delivered")
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()
    fact = attempt.fact("resources")
    assert (fact["state"], 'pip install "trainstop[gpu]"' in fact["detail"]) == ("not_measured", True)
    assert asked.read_text() == "x"


def test_where_there_is_no_driver_nobody_is_asked(attempt: Attempt) -> None:
    attempt.write_spec(attempt.family())
    no_driver = (
        "import trainstop.gpu.driver as d, trainstop.shim.gpu_watch as w; d.has_driver = lambda: False; "
        "w.FIRST_SECONDS = 0.0"
    )
    assert attempt.launch(program=("-c", CHANGED.format(no_driver))).returncode == 0
    main = attempt.meet("main")["main"]
    attempt.ask()
    attempt.wait_for("delivered")
    assert descendants(attempt.shim.pid) == [main]
    attempt.tell_main_to_exit(0)
    attempt.wait_for_exit()
    assert attempt.fact("resources")["detail"] == "This machine has no NVIDIA driver."
