"""The ladder's SIGTERM hurries no save; every other SIGTERM does what it did without Trainstop."""

from __future__ import annotations

import signal
import subprocess
import sys

from trainstop.checkpoints.published import last_good
from trainstop.rundir.control import write_control
from trainstop.training.conftest import PATIENCE_SECONDS, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.training.conftest import LaunchPuppet

SIGTERM_TO_ITSELF = "os.kill(os.getpid(), signal.SIGTERM)"


def test_in_the_middle_of_a_save_the_save_is_finished(launch: LaunchPuppet) -> None:
    puppet = launch(before=SAVES_AND_IS_TERMINATED, command=order())
    assert puppet.do("run.end_step(9)") == "Turn(save=True, stop=True)"
    assert puppet.do("save_and_be_terminated()") == "None"
    puppet.leave()
    assert puppet.end() == 0
    assert puppet.wait_for("checkpoint")["reason"] == "cancel"
    assert last_good(puppet.run_dir.checkpoints) is not None


SAVES_AND_IS_TERMINATED = f"""
def save_and_be_terminated():
    with run.checkpoint(step=9) as path:
        (path / "1.bin").write_text("1")
        {SIGTERM_TO_ITSELF}
        (path / "2.bin").write_text("2")
"""


def test_before_the_poke_was_heard_it_arms_the_run_by_itself(launch: LaunchPuppet) -> None:
    puppet = launch(before="from trainstop.training import attachment; attachment.LOOK_SECONDS = 1e9")
    write_control(puppet.run_dir.control, order())
    assert puppet.do("run.stop_pending") == "False"
    assert puppet.do(SIGTERM_TO_ITSELF) == "None"
    assert puppet.do("run.stop_pending") == "True"
    assert puppet.do("run.end_step(1)") == "Turn(save=True, stop=True)"


BETWEEN_HANDLER_AND_FILE = f"""
from trainstop.training import attachment
claim = attachment._claim
def _claim(path):
    {SIGTERM_TO_ITSELF}
    return claim(path)
attachment._claim = _claim
"""
"""When the shim has seen no rank, and therefore sent SIGTERM, while this one is about to be there."""


def test_one_that_is_on_its_way_when_the_rank_comes_finds_somebody_who_saves(launch: LaunchPuppet) -> None:
    puppet = launch(before=BETWEEN_HANDLER_AND_FILE, command=order())
    assert puppet.do("run.stop_pending") == "True"
    assert puppet.do("run.end_step(1)") == "Turn(save=True, stop=True)"
    puppet.do("save(1)")
    puppet.leave()
    assert puppet.end() == 0
    assert puppet.wait_for("checkpoint")["reason"] == "cancel"


def test_one_that_came_to_a_process_that_is_no_rank_after_all_kills_it(launch: LaunchPuppet) -> None:
    rank = launch(command=order())
    second = subprocess.run(
        [sys.executable, *rank.arguments[:-1], BETWEEN_HANDLER_AND_FILE],
        env=rank.environment,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert second.returncode == -signal.SIGTERM
    assert rank.do("run.end_step(1)") == "Turn(save=True, stop=True)"


def test_with_no_stop_under_way_it_kills_as_ever(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.process.send_signal(signal.SIGTERM)
    assert puppet.process.wait(PATIENCE_SECONDS) == -signal.SIGTERM
    assert puppet.facts("left") == []


def test_a_command_withdrawn_or_forced_explains_no_sigterm(launch: LaunchPuppet) -> None:
    for attempt, control in enumerate((None, order(mode="force"), order("pause", deadline=-1)), 1):
        puppet = launch(attempt=attempt, command=control)
        puppet.process.send_signal(signal.SIGTERM)
        assert puppet.process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_the_scripts_own_handler_gets_what_no_stop_explains_and_is_put_back(launch: LaunchPuppet) -> None:
    puppet = launch(before="heard = []\nown = lambda *a: heard.append(a[0])\nsignal.signal(15, own)")
    puppet.do(SIGTERM_TO_ITSELF)
    assert puppet.do("heard") == "[15]"
    puppet.order(order())
    puppet.until("run.stop_pending")
    puppet.do(SIGTERM_TO_ITSELF)
    assert puppet.do("heard") == "[15]"
    puppet.leave()
    assert puppet.do("signal.getsignal(15) is own") == "True"
    puppet.do(SIGTERM_TO_ITSELF)
    assert puppet.do("heard") == "[15, 15]"


def test_one_that_was_ignored_stays_ignored(launch: LaunchPuppet) -> None:
    puppet = launch(before="signal.signal(15, signal.SIG_IGN)")
    assert puppet.do(SIGTERM_TO_ITSELF) == "None"
    puppet.leave()
    assert puppet.do("signal.getsignal(15) is signal.SIG_IGN") == "True"


def test_a_handler_that_the_script_puts_over_ours_stays_and_may_still_chain_to_ours(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(before="heard = []\nsignal.signal(15, lambda *a: heard.append('before'))")
    puppet.do("globals().update(ours=signal.getsignal(15))")
    puppet.do("globals().update(over=lambda *a: (heard.append('over'), ours(*a)))")
    puppet.do("signal.signal(15, over)")
    puppet.leave()
    assert puppet.do("signal.getsignal(15) is over") == "True"
    puppet.do(SIGTERM_TO_ITSELF)
    assert puppet.do("heard") == "['over', 'before']"


def test_ctrl_c_is_left_alone(launch: LaunchPuppet) -> None:
    puppet = launch()
    assert puppet.do("signal.getsignal(signal.SIGINT) is signal.default_int_handler") == "True"
