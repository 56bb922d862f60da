"""A stop reaches a real training process, and it saves, says so, and leaves; or it was withdrawn in time."""

from __future__ import annotations

import pytest

from trainstop.checkpoints.published import last_good
from trainstop.rundir.control import write_control
from trainstop.training.conftest import order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.training.conftest import LaunchPuppet

GO_ON = "Turn(save=False, stop=False)"
SAVE_AND_STOP = "Turn(save=True, stop=True)"
STOP = "Turn(save=False, stop=True)"


def test_a_run_says_who_it_is_and_how_long_it_will_be(launch: LaunchPuppet) -> None:
    puppet = launch(arguments={"total_steps": 780, "total_epochs": 10})
    attached = puppet.wait_for("attached")
    assert attached["pid"] == puppet.process.pid
    assert attached["start_ticks"] > 0
    assert (attached["total_steps"], attached["total_epochs"]) == (780, 10)
    assert attached["resumed_from"] is None


@pytest.mark.parametrize("action", ["cancel", "pause"])
def test_a_stop_saves_and_leaves_at_the_next_step(launch: LaunchPuppet, action: str) -> None:
    puppet = launch()
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.order(order(action))  # type: ignore[arg-type]
    puppet.until("run.stop_pending")
    assert puppet.do("run.end_step(2, save_every=1000)") == SAVE_AND_STOP
    assert puppet.wait_for("acknowledged") | {"at": 0} == {
        "at": 0,
        "type": "acknowledged",
        "command_id": "cmd_1",
        "step": 2,
    }
    puppet.do("save(2, epoch=1, metrics={'eval_loss': 0.25})")
    saved = puppet.wait_for("checkpoint")
    assert (saved["reason"], saved["command_id"], saved["step"]) == (action, "cmd_1", 2)
    assert (saved["files"], saved["bytes"], saved["metrics"]) == (1, 7, {"eval_loss": 0.25})
    assert puppet.wait_for("saving")["command_id"] == "cmd_1"
    puppet.leave()
    left = puppet.wait_for("left")
    assert (left["reason"], left["command_id"], left["step"]) == (action, "cmd_1", 2)
    assert puppet.end() == 0

    good = last_good(puppet.run_dir.checkpoints)
    assert good is not None
    assert good[0].name == saved["checkpoint_id"]
    assert (good[1]["job_id"], good[1]["attempt"], good[1]["reason"]) == ("job_1", 1, action)
    assert puppet.complaints() == ""


def test_a_stop_asked_before_the_run_began_is_obeyed_at_its_first_step(launch: LaunchPuppet) -> None:
    puppet = launch(command=order())
    assert puppet.do("run.stop_pending") == "True"
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP


def test_a_poke_that_was_lost_costs_time_and_not_the_stop(launch: LaunchPuppet) -> None:
    puppet = launch()
    write_control(puppet.run_dir.control, order())
    puppet.until("run.stop_pending")
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP


def test_a_script_that_goes_on_is_told_to_stop_again_and_to_save_until_it_has(launch: LaunchPuppet) -> None:
    puppet = launch(command=order())
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP
    assert puppet.do("run.end_step(2)") == SAVE_AND_STOP
    puppet.do("save(2)")
    assert puppet.do("run.end_step(3)") == STOP
    assert len(puppet.facts("acknowledged")) == 1


def test_a_cancel_once_seen_is_never_taken_back_since_the_shim_would_kill_all_the_same(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(command=order("cancel", id="cancel"))
    for control in (None, order("pause", id="pause")):
        write_control(puppet.run_dir.control, control)
        puppet.do("run._command.look()")
        assert puppet.do("run.stop_pending") == "True"
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP
    assert puppet.wait_for("acknowledged")["command_id"] == "cancel"


def test_a_pause_that_is_withdrawn_before_it_was_taken_binds_nobody(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.order(order("pause"))
    puppet.until("run.stop_pending")
    write_control(puppet.run_dir.control, None)  # the listener has not heard: the decision looks itself
    assert puppet.do("run.end_step(1)") == GO_ON
    assert puppet.do("run.stop_pending") == "False"
    puppet.order(order("pause", id="cmd_2"))
    puppet.until("run.stop_pending")
    puppet.order(None)
    puppet.until("run.stop_pending", "False")
    puppet.leave()
    assert puppet.wait_for("left")["reason"] == "finished"
    assert puppet.facts("acknowledged") == []


def test_a_pause_whose_deadline_has_passed_is_nobodys_command(launch: LaunchPuppet) -> None:
    puppet = launch(command=order("pause", deadline=-1))
    assert puppet.do("run.stop_pending") == "False"
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.order(order("cancel", deadline=-1))  # a cancel never expires
    puppet.until("run.stop_pending")


def test_force_is_not_for_the_process(launch: LaunchPuppet) -> None:
    puppet = launch(command=order(mode="force"))
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.order(order(id="cmd_2"))
    puppet.until("run.stop_pending")
    write_control(puppet.run_dir.control, order(id="cmd_2", mode="force"))
    assert puppet.do("run.end_step(2)") == GO_ON  # no save begins that would only be torn


def test_a_cancel_that_comes_while_leaving_for_a_pause_is_acknowledged_and_is_what_it_leaves_for(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(command=order("pause", id="pause"))
    assert puppet.do("run.end_step(5)") == SAVE_AND_STOP
    puppet.order(order("cancel", id="cancel"))
    assert puppet.wait_for("acknowledged", command_id="cancel")["step"] == 5
    puppet.do("save(5)")
    assert puppet.wait_for("checkpoint")["reason"] == "cancel"
    puppet.leave()
    left = puppet.wait_for("left")
    assert (left["reason"], left["command_id"]) == ("cancel", "cancel")


def test_a_pause_never_takes_back_a_cancel(launch: LaunchPuppet) -> None:
    puppet = launch(command=order("cancel", id="cancel"))
    puppet.do("run.end_step(1)")
    puppet.order(order("pause", id="pause"))
    puppet.leave()
    assert puppet.wait_for("left")["command_id"] == "cancel"
    assert [fact["command_id"] for fact in puppet.facts("acknowledged")] == ["cancel"]


def test_a_control_file_that_is_no_command_changes_nothing_and_is_told_once(launch: LaunchPuppet) -> None:
    puppet = launch()
    for broken in ("{", "[]", "null x", '{"command": 7}', '{"command": {"id": "x"}}', '{"command": {}}'):
        puppet.run_dir.control.write_text(broken)
        puppet.do("run._command.look()")
        assert puppet.do("run.end_step(1)") == GO_ON
    puppet.order(order())
    puppet.until("run.stop_pending")
    assert puppet.do("run.end_step(2)") == SAVE_AND_STOP


def test_a_run_that_ends_by_itself_finished_even_with_a_stop_on_its_way(launch: LaunchPuppet) -> None:
    puppet = launch(command=order())
    puppet.leave()
    left = puppet.wait_for("left")
    assert (left["reason"], left["command_id"]) == ("finished", None)


def test_an_exception_leaves_as_an_error_and_passes_through(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet._say('"1 / 0"')
    assert puppet.wait_for("left")["reason"] == "error"
    assert puppet.end() == 1
    assert "ZeroDivisionError" in puppet.complaints()


def test_sys_exit_leaves_as_what_its_code_says(launch: LaunchPuppet) -> None:
    for attempt, (code, reason) in enumerate(((0, "finished"), (3, "error")), 1):
        puppet = launch(attempt=attempt)
        puppet._say(f'"sys.exit({code})"')
        assert puppet.wait_for("left")["reason"] == reason
        assert puppet.end() == code


def test_an_idle_step_calls_nothing_at_all(launch: LaunchPuppet) -> None:
    puppet = launch(before=COUNTS_CALLS)
    assert puppet.do("calls_of(run)") == "['end_step', 'end_step', 'end_step']"


COUNTS_CALLS = """
def calls_of(run):
    run.end_step(1)
    seen = []
    def profile(frame, event, argument):
        if event in ("call", "c_call"):
            seen.append(frame.f_code.co_name if event == "call" else argument.__name__)
    sys.setprofile(profile)
    run.end_step(2)
    run.end_step(3, 1000)
    run.end_step(4, save_every=1000)
    sys.setprofile(None)
    return seen[:-1]
"""
