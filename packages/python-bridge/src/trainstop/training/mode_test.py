"""A stop that may wait: for the next checkpoint, for the end of the epoch, and no longer than was said."""

from __future__ import annotations

import os
import signal

import pytest

from trainstop.checkpoints.published import last_good
from trainstop.rundir.clock import now
from trainstop.rundir.control import write_control
from trainstop.training.conftest import order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from trainstop.rundir.control import ControlCommand
    from trainstop.training.conftest import LaunchedPuppet, LaunchPuppet

    Waiting = Literal["checkpoint", "epoch"]

GO_ON = "Turn(save=False, stop=False)"
SAVE_AND_STOP = "Turn(save=True, stop=True)"
STOP = "Turn(save=False, stop=True)"
MODES: tuple[Waiting, ...] = ("checkpoint", "epoch")


def waiting(mode: Waiting, *, seconds: float = 3600.0, id: str = "cmd_1") -> ControlCommand:
    return {**order(mode=mode, id=id, deadline=seconds + 60), "wait_until": now() + seconds}


def heard(puppet: LaunchedPuppet, command: ControlCommand) -> None:
    puppet.order(command)
    puppet.until("run._command.armed is not None")


def test_a_stop_at_the_next_checkpoint_goes_on_to_it_and_leaves_with_it(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.do("run.end_step(1, save_every=5)")
    heard(puppet, waiting("checkpoint"))
    for step in (2, 3, 4):
        assert puppet.do(f"run.end_step({step}, save_every=5)") == GO_ON
        assert puppet.do("run.stop_pending") == "False"  # an evaluation on the way still counts
    assert puppet.facts("acknowledged") == []
    assert puppet.do("run.end_step(5, save_every=5)") == SAVE_AND_STOP
    assert puppet.wait_for("acknowledged")["step"] == 5
    assert puppet.do("run.stop_pending") == "True"
    puppet.do("save(5)")
    saved = puppet.wait_for("checkpoint")
    assert (saved["reason"], saved["command_id"]) == ("cancel", "cmd_1")
    puppet.leave()
    assert puppet.wait_for("left")["reason"] == "cancel"


def test_a_checkpoint_that_is_being_written_is_the_next_one(launch: LaunchPuppet) -> None:
    puppet = launch()
    assert puppet.do("run.end_step(5, save_every=5)") == "Turn(save=True, stop=False)"
    puppet.do("globals().update(block=run.checkpoint(step=5)) or block.__enter__()")
    assert puppet.wait_for("saving")["command_id"] is None
    heard(puppet, waiting("checkpoint"))
    puppet.do("(block._save.path / 'weights.bin').write_text('weights')")
    puppet.do("block.__exit__(None, None, None)")
    saved = puppet.wait_for("checkpoint")
    assert (saved["reason"], saved["command_id"]) == ("cancel", "cmd_1")
    facts = [fact["type"] for fact in puppet.facts() if fact["type"] in ("acknowledged", "checkpoint")]
    assert facts == ["acknowledged", "checkpoint"]
    assert puppet.do("run.end_step(6, save_every=5)") == STOP
    good = last_good(puppet.run_dir.checkpoints)
    assert good is not None and good[1]["reason"] == "cancel"


def test_a_stop_that_comes_while_a_checkpoint_is_put_on_disk_has_it_for_its_own(launch: LaunchPuppet) -> None:
    puppet = launch()
    later = puppet.run_dir.path / "later.json"
    write_control(later, waiting("checkpoint"))
    assert puppet.do("run.end_step(5, save_every=5)") == "Turn(save=True, stop=False)"
    puppet.do("globals().update(block=run.checkpoint(step=5)) or block.__enter__()")
    puppet.do("(block._save.path / 'weights.bin').write_text('weights')")
    # Hashing and flushing take their time; a stop is heard in the midst of it.
    hear = f"os.replace({str(later)!r}, {str(puppet.run_dir.control)!r}), run._command.look()"
    publish = f"lambda f=block._save.publish, **words: (f(**words), {hear})[0]"
    puppet.do(f"setattr(block._save, 'publish', {publish})")
    puppet.do("block.__exit__(None, None, None)")
    assert puppet.wait_for("checkpoint")["command_id"] == "cmd_1"
    assert puppet.do("run.end_step(6, save_every=5)") == STOP


def test_a_save_by_the_scripts_own_schedule_will_do(launch: LaunchPuppet) -> None:
    puppet = launch(command=waiting("checkpoint"))
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.do("save(1)")
    assert puppet.do("run.end_step(2)") == STOP


def test_a_rank_that_publishes_nothing_leaves_with_its_own_block(launch: LaunchPuppet) -> None:
    puppet = launch(command=waiting("checkpoint"), environment={"RANK": "1"})
    puppet.do("save(1)")
    assert puppet.do("run.end_step(2)") == STOP


def test_a_checkpoint_that_failed_is_none_and_the_next_one_is_waited_for(launch: LaunchPuppet) -> None:
    puppet = launch(command=waiting("checkpoint"))
    block = "globals().update(block=run.checkpoint(step={})) or block.__enter__()"
    puppet.do(block.format(1))
    puppet.do("block.__exit__(OSError, OSError('No space left on device'), None)")
    assert puppet.wait_for("checkpoint_failed")["command_id"] == "cmd_1"
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.do("save(2)")
    assert puppet.do("run.end_step(2)") == STOP


def test_a_stop_at_the_end_of_the_epoch_is_answered_there(launch: LaunchPuppet) -> None:
    puppet = launch()
    assert puppet.do("run.end_epoch(1)") == GO_ON
    heard(puppet, waiting("epoch"))
    assert puppet.do("run.end_step(1, save_every=1)") == "Turn(save=True, stop=False)"
    puppet.do("save(1)")  # a save on the way is only a save
    assert puppet.wait_for("checkpoint")["command_id"] is None
    assert puppet.do("run.end_epoch(2)") == SAVE_AND_STOP
    assert puppet.wait_for("acknowledged")["command_id"] == "cmd_1"
    puppet.do("save(1, epoch=2)")
    assert puppet.wait_for("checkpoint", command_id="cmd_1")["reason"] == "cancel"
    assert puppet.do("run.end_step(2)") == STOP


def test_a_script_that_passes_over_the_answer_of_end_epoch_is_told_again(launch: LaunchPuppet) -> None:
    puppet = launch(command=waiting("epoch"))
    puppet.do("run.end_epoch(1)")
    assert puppet.do("run.end_step(9)") == SAVE_AND_STOP
    assert len(puppet.facts("acknowledged")) == 1


def test_a_graceful_stop_is_answered_by_end_epoch_too(launch: LaunchPuppet) -> None:
    puppet = launch(command=order())
    assert puppet.do("run.end_epoch(1)") == SAVE_AND_STOP


@pytest.mark.parametrize("mode", MODES)
def test_the_run_itself_knows_when_it_has_waited_long_enough(launch: LaunchPuppet, mode: Waiting) -> None:
    puppet = launch(command=waiting(mode, seconds=-1))
    assert puppet.do("run.stop_pending") == "True"
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP


@pytest.mark.parametrize("mode", MODES)
def test_setting_the_clock_neither_shortens_nor_lengthens_the_wait(
    launch: LaunchPuppet, mode: Waiting
) -> None:
    puppet = launch(command=waiting(mode, seconds=60))
    puppet.do("exec('import trainstop.training.wait as w; w.now = lambda: time.time() + 7200')")
    puppet.do("run._command.look()")
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.do("exec('w.steady_now = lambda: float(1e12)')")
    assert puppet.do("run.end_step(2)") == SAVE_AND_STOP


@pytest.mark.parametrize("mode", MODES)
def test_the_same_stop_hastened_waits_no_more(launch: LaunchPuppet, mode: Waiting) -> None:
    puppet = launch(command=waiting(mode))
    write_control(puppet.run_dir.control, {**waiting(mode), "wait_until": now() + 7200})
    puppet.do("run._command.look()")
    assert puppet.do("run.end_step(1)") == GO_ON
    puppet.order(order())
    puppet.until("run.stop_pending")
    assert puppet.do("run.end_step(2)") == SAVE_AND_STOP
    assert len(puppet.facts("acknowledged")) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_sigterm_ends_the_waiting(launch: LaunchPuppet, mode: Waiting) -> None:
    puppet = launch(command=waiting(mode))
    os.kill(puppet.process.pid, signal.SIGTERM)
    puppet.until("run.stop_pending")
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP


def test_a_wait_without_an_end_is_none(launch: LaunchPuppet) -> None:
    puppet = launch(command=order(mode="epoch"))
    assert puppet.do("run.end_step(1)") == SAVE_AND_STOP


def test_a_run_says_what_a_stop_can_wait_for(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.do("run.end_step(1)")
    assert puppet.facts("schedule") == []
    puppet.do("run.end_step(500, save_every=500)")
    puppet.do("run.end_step(501, save_every=500)")
    puppet.do("run.end_epoch(1)")
    puppet.do("run.end_epoch(2)")
    told = [(fact["save_every"], fact["epochs"]) for fact in puppet.facts("schedule")]
    assert told == [(500, False), (500, True)]


def test_waiting_asks_no_disk_at_a_step(launch: LaunchPuppet) -> None:
    puppet = launch(before=COUNTS_READS, command=waiting("checkpoint"))
    assert puppet.do("reads_of(run)") == "0"


COUNTS_READS = """
def reads_of(run):
    import trainstop.training.command_in_force as room
    read, seen, here = room.read_control, [], threading.get_ident()
    def counting(path):
        if threading.get_ident() == here:
            seen.append(path)
        return read(path)
    room.read_control = counting
    for step in range(1, 50):
        run.end_step(step, save_every=1000)
    return len(seen)
"""
