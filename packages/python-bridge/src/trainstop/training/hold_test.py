"""A hold: the run stands still at a step, says so, and goes on, leaves or dies as it is told."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from trainstop.rundir.control import NEVER
from trainstop.training.conftest import PATIENCE_SECONDS, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.rundir.control import ControlCommand
    from trainstop.training.conftest import LaunchedPuppet, LaunchPuppet

GO_ON = "Turn(save=False, stop=False)"
SAVE_AND_STOP = "Turn(save=True, stop=True)"


def hold(id: str = "hold", deadline: float = 3600.0) -> ControlCommand:
    return {**order("pause", id=id, deadline=deadline), "hold": True}


def lifted(id: str = "resume") -> ControlCommand:
    return {**order("pause", id=id), "action": "resume"}


def held(
    launch: LaunchPuppet, step: int = 1, then: str = "run.end_step(1)", **more: object
) -> LaunchedPuppet:
    """A puppet that stands still in this expression; `answer` waits for what it comes to."""
    puppet = launch(command=hold(), **more)
    puppet.say(then)
    assert puppet.wait_for("acknowledged") | {"at": 0} == {
        "at": 0,
        "type": "acknowledged",
        "command_id": "hold",
        "step": step,
    }
    return puppet


def test_a_run_that_is_held_goes_on_when_it_is_resumed_and_says_so(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    assert not puppet.has_answered()
    puppet.order({**hold(), "deadline": NEVER})  # the hold is reached: nothing ends it any more
    puppet.order(lifted())
    assert puppet.answer() == GO_ON
    assert puppet.wait_for("acknowledged", command_id="resume")["step"] == 1
    assert puppet.do("run.end_step(2)") == GO_ON
    puppet.do("run._command.look()")
    assert [fact["command_id"] for fact in puppet.facts("acknowledged")] == ["hold", "resume"]
    puppet.order(None)
    puppet.leave()
    assert puppet.wait_for("left")["reason"] == "finished"


def test_a_save_that_was_due_at_that_step_is_due_when_it_goes_on(launch: LaunchPuppet) -> None:
    puppet = held(launch, 5, "run.end_step(5, save_every=5)")
    puppet.order(lifted())
    assert puppet.answer() == "Turn(save=True, stop=False)"


def test_a_hold_that_is_withdrawn_or_expires_lets_the_run_go_on(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    puppet.order(None)
    assert puppet.answer() == GO_ON
    assert len(puppet.facts("acknowledged")) == 1


def test_a_hold_whose_time_has_passed_holds_nobody(launch: LaunchPuppet) -> None:
    puppet = launch(command=hold(deadline=-1))
    assert puppet.do("run.end_step(1)") == GO_ON
    assert puppet.facts("acknowledged") == []


@pytest.mark.parametrize(("action", "reason"), [("cancel", "cancel"), ("pause", "pause")])
def test_a_run_that_is_held_saves_and_leaves_when_that_is_asked(
    launch: LaunchPuppet, action: str, reason: str
) -> None:
    puppet = held(launch)
    puppet.order(order(action, id="leave"))  # type: ignore[arg-type]
    assert puppet.answer() == SAVE_AND_STOP
    assert puppet.wait_for("acknowledged", command_id="leave")
    puppet.do("save(1)")
    assert puppet.wait_for("checkpoint")["command_id"] == "leave"
    puppet.leave()
    assert puppet.wait_for("left")["reason"] == reason


def test_another_hold_is_acknowledged_and_holds_on(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    puppet.order(hold("hold_2"))
    puppet.wait_for("acknowledged", command_id="hold_2")
    assert not puppet.has_answered()
    puppet.order(lifted())
    assert puppet.answer() == GO_ON


def test_the_ladders_sigterm_reaches_a_run_that_is_held_even_without_its_listener(
    launch: LaunchPuppet,
) -> None:
    puppet = held(launch, then="DEAF(run) or run.end_step(1)", before=DEAFENS)
    puppet.order(order("cancel", id="cancel"))
    os.kill(puppet.process.pid, signal.SIGTERM)
    assert puppet.answer() == SAVE_AND_STOP


def test_a_run_that_is_held_looks_by_itself_too(launch: LaunchPuppet) -> None:
    puppet = held(launch, then="DEAF(run) or run.end_step(1)", before=DEAFENS)
    puppet.order(lifted())
    assert puppet.answer() == GO_ON


def test_a_sigterm_that_no_stop_explains_is_what_it_always_was(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    os.kill(puppet.process.pid, signal.SIGTERM)
    assert puppet.process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_nothing_more_begins_in_a_run_that_is_about_to_be_killed(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    puppet.order(order("cancel", id="cancel", mode="force"))
    time.sleep(0.3)  # that nothing happens can't be awaited
    assert not puppet.has_answered()


def test_an_evaluation_is_not_cut_short_for_a_hold(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.order(hold())
    puppet.until("run._command.armed is not None")
    assert puppet.do("run.stop_pending") == "False"
    assert puppet.do("run.end_epoch(1)") == GO_ON


def test_a_damaged_control_file_lets_nobody_go_on(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    puppet.run_dir.control.write_text("{")
    puppet.run_dir.control.write_text('{"command": {"id": "x"}}')
    time.sleep(0.3)
    assert not puppet.has_answered()
    puppet.order(lifted())
    assert puppet.answer() == GO_ON


def test_who_is_held_uses_no_processor_time(launch: LaunchPuppet) -> None:
    puppet = held(launch)
    ticks = os.sysconf("SC_CLK_TCK")

    def used() -> int:
        fields = Path(f"/proc/{puppet.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = used()
    time.sleep(1.0)
    assert used() - before <= ticks / 10
    puppet.order(lifted())
    assert puppet.answer() == GO_ON


# Its listener ends as it would on a broken disk; the main thread is alone.
DEAFENS = """
def DEAF(run):
    attachment = run._attachment
    attachment._closing = True
    attachment._listener.join()
"""
