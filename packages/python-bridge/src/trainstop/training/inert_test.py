"""What is not the run leaves the run alone: forked children, second processes, broken run directories."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from trainstop.checkpoints.published import published
from trainstop.training.conftest import PATIENCE_SECONDS, Puppet, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.training.conftest import LaunchPuppet

FORKS = """
def in_child(action):
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1]

def everything():
    run.log({"loss": 1.0}, step=99)
    assert run.end_step(100, save_every=100) == trainstop.Turn(False, False)
    assert not run.stop_pending
    save(100)
    run.__exit__(None, None, None)
"""


def test_a_forked_child_can_do_all_a_run_does_and_nothing_comes_of_it(launch: LaunchPuppet) -> None:
    puppet = launch(before=FORKS, command=order())
    assert puppet.do("in_child(everything)") == "0"
    assert puppet.do("run.end_step(1)") == "Turn(save=True, stop=True)"  # the parent is as it was
    puppet.do("save(1)")
    puppet.leave()
    assert [fact["type"] for fact in puppet.facts() if fact["type"] != "progress"] == [
        "attached",
        "acknowledged",
        "saving",
        "checkpoint",
        "left",
    ]
    assert [manifest["step"] for _, manifest in published(puppet.run_dir.checkpoints)] == [1]


def test_a_forked_child_dies_of_sigterm_even_while_the_run_is_being_stopped(launch: LaunchPuppet) -> None:
    puppet = launch(before=FORKS, command=order())
    status = puppet.do("in_child(lambda: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(600)))")
    assert os.WTERMSIG(int(status)) == signal.SIGTERM


def test_the_parents_rank_stays_claimed_when_a_child_ends_and_is_free_when_the_parent_left(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(before=FORKS)
    puppet.do("in_child(lambda: None)")
    second = Puppet(puppet.start())
    assert second.do("run.end_step(100, save_every=100)") == "Turn(save=False, stop=False)"
    second.do("save(100)")
    second.do("run.log({'loss': 1.0})")
    second.leave()
    close(second)
    assert len(puppet.facts("attached")) == 1
    assert puppet.facts("left") == []
    assert published(puppet.run_dir.checkpoints) == []

    puppet.leave()
    third = Puppet(puppet.start())
    assert puppet.wait_for("attached", 2)["pid"] == third.process.pid
    third.leave()
    close(third)


def close(puppet: Puppet) -> None:
    assert puppet.process.stdin is not None
    assert puppet.process.stdout is not None
    puppet.process.stdin.close()
    puppet.process.stdout.close()
    assert puppet.process.wait(PATIENCE_SECONDS) == 0


def test_a_second_process_does_not_take_the_pokes_of_the_first(launch: LaunchPuppet) -> None:
    puppet = launch()
    second = Puppet(puppet.start())
    puppet.order(order())
    puppet.until("run.stop_pending")
    assert second.do("run.stop_pending") == "False"
    second.leave()
    close(second)


def test_only_rank_0_publishes_and_other_ranks_stop_all_the_same(launch: LaunchPuppet) -> None:
    puppet = launch(environment={"RANK": "3"}, command=order())
    assert puppet.do("run.end_step(1)") == "Turn(save=True, stop=True)"
    puppet.do("save(1)")
    puppet.leave()
    assert (puppet.run_dir.path / "rank-3.jsonl").exists()
    assert not puppet.run_dir.rank_journal(0).exists()
    assert published(puppet.run_dir.checkpoints) == []


def test_a_run_directory_that_cannot_be_used_costs_one_line_on_stderr(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.leave()
    script = "import trainstop\nwith trainstop.run() as run: print(run.end_step(1), run.stop_pending)"
    for spec in ("{", "[]", "{}"):
        puppet.run_dir.spec.write_text(spec)
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=puppet.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "Turn(save=False, stop=False) False\n"
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("trainstop: the run directory cannot be used")
