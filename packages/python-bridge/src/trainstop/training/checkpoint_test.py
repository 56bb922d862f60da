"""`with run.checkpoint(…)`: published and told, or not published and told, and training goes on."""

from __future__ import annotations

import os
from pathlib import Path

from trainstop.checkpoints.published import last_good, published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.training.conftest import LaunchPuppet


def test_scheduled_saves_come_whenever_a_multiple_was_reached_or_passed(launch: LaunchPuppet) -> None:
    puppet = launch()
    asked = "[s for s in {} if run.end_step(s, save_every=100).save]"
    assert puppet.do(asked.format("range(250, 501)")) == "[300, 400, 500]"
    assert puppet.do(asked.format("range(500, 1000, 64)")) == "[628, 756, 820, 948]"
    assert puppet.do(asked.format("[948, 948]")) == "[]"


def test_the_first_step_after_a_resume_is_no_reason_to_save(launch: LaunchPuppet) -> None:
    puppet = launch()
    assert puppet.do("run.end_step(315, save_every=100).save") == "False"
    puppet = launch(attempt=2)
    assert puppet.do("run.end_step(300, save_every=100).save") == "True"


def test_a_save_tells_why_it_was_made_and_what_it_holds(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.do("run.end_step(100, save_every=100)")
    puppet.do("save(100, epoch=2)")
    puppet.do("run.end_step(101, save_every=100)")
    puppet.do("save(101, metrics={'eval_loss': float('inf')})")
    scheduled, manual = puppet.wait_for("checkpoint"), puppet.wait_for("checkpoint", 2)
    assert (scheduled["reason"], scheduled["epoch"], scheduled["command_id"]) == ("scheduled", 2, None)
    assert (manual["reason"], manual["metrics"]) == ("manual", {"eval_loss": "Infinity"})
    assert manual["save_seconds"] >= 0
    assert manual["checkpoint_id"] == "step-00000101"


def test_the_newest_three_are_kept_and_what_is_removed_is_told(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.do("[save(step) for step in range(1, 6)]")
    assert [fact["checkpoint_id"] for fact in puppet.facts("checkpoint_removed")] == [
        "step-00000001",
        "step-00000002",
    ]
    assert [manifest["step"] for _, manifest in published(puppet.run_dir.checkpoints)] == [5, 4, 3]


def test_the_checkpoint_a_run_was_resumed_from_is_not_removed_under_it(
    launch: LaunchPuppet, tmp_path: Path
) -> None:
    first = launch()
    first.do("[save(step) for step in (10, 20, 30)]")
    first.leave()
    root = first.run_dir.checkpoints / "step-00000010"
    second = launch(attempt=2, resume=root)
    assert second.do("str(run.resume_path)") == repr(str(root))
    assert second.wait_for("attached")["resumed_from"] == "step-00000010"
    second.do("[save(step) for step in (11, 12, 13, 14)]")
    kept = [manifest["step"] for _, manifest in published(second.run_dir.checkpoints)]
    assert kept == [14, 13, 12, 10]


def test_an_exception_in_the_block_passes_through_and_publishes_nothing(launch: LaunchPuppet) -> None:
    puppet = launch(before=FAILS)
    assert puppet.do("fails()") == "'the script sees its own error'"
    failed = puppet.wait_for("checkpoint_failed")
    assert (failed["checkpoint_id"], failed["error"]) == ("step-00000007", "out of memory")
    assert list(puppet.run_dir.checkpoints.iterdir()) == []
    puppet.do("save(8)")
    assert last_good(puppet.run_dir.checkpoints) is not None


FAILS = """
def fails():
    try:
        with run.checkpoint(step=7) as path:
            (path / "half.bin").write_text("half")
            raise MemoryError("out of memory")
    except MemoryError:
        return "the script sees its own error"
"""


def test_when_the_disk_refuses_nothing_is_published_it_is_told_and_training_goes_on(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(before=REFUSES_TO_SYNC)
    puppet.do("save(1)")
    puppet.do("globals().update(full=True)")
    puppet.do("save(2)")
    failed = puppet.wait_for("checkpoint_failed")
    assert failed["step"] == 2
    assert "No space left on device" in failed["error"]
    assert os.listdir(puppet.run_dir.checkpoints) == ["step-00000001"]  # noqa: PTH208 (hidden ones, too)
    puppet.do("globals().update(full=False)")
    puppet.do("save(3)")
    assert puppet.wait_for("checkpoint", 2)["step"] == 3
    assert "step-00000002 was not saved" in puppet.complaints()


def test_when_not_even_a_directory_can_be_made_the_script_still_gets_one_to_write_into(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(before=REFUSES_TO_BEGIN)
    assert puppet.do("save(1)") == "None"
    assert puppet.wait_for("checkpoint_failed")["step"] == 1
    assert published(puppet.run_dir.checkpoints) == []


REFUSES_TO_SYNC = """
full = False
real_fsync = os.fsync
def fsync(descriptor):
    if full:
        raise OSError(28, "No space left on device")
    real_fsync(descriptor)
os.fsync = fsync
"""


REFUSES_TO_BEGIN = """
real_mkdir = os.mkdir
def mkdir(path, *arguments):
    if ".saving-" in str(path):
        raise OSError(28, "No space left on device")
    real_mkdir(path, *arguments)
os.mkdir = mkdir
"""


def test_a_checkpoint_after_the_block_is_still_saved(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.leave()
    puppet.do("save(5)")
    assert last_good(puppet.run_dir.checkpoints) is not None


def test_the_best_is_kept_and_its_metric_is_the_one_logged_last(launch: LaunchPuppet) -> None:
    puppet = launch(arguments={"best_metric": "eval_loss", "keep": 1})
    assert puppet.wait_for("attached")["best"] == {"metric": "eval_loss", "mode": "min"}
    puppet.do("save(1)")
    for step, loss in ((2, 0.2), (3, 0.4), (4, 0.3)):
        puppet.do(f"run.log({{'eval_loss': {loss}, 'lr': 1}}, step={step})")
        puppet.do(f"save({step})")
    puppet.do("save(5, metrics={'eval_loss': 0.9, 'accuracy': 0.5})")
    assert puppet.facts("checkpoint")[0]["metrics"] == {}
    assert puppet.facts("checkpoint")[3]["metrics"] == {"eval_loss": 0.3}
    assert puppet.facts("checkpoint")[4]["metrics"] == {"eval_loss": 0.9, "accuracy": 0.5}
    assert [manifest["step"] for _, manifest in published(puppet.run_dir.checkpoints)] == [5, 2]


def test_a_best_metric_that_makes_no_sense_is_passed_over(launch: LaunchPuppet) -> None:
    puppet = launch(arguments={"best_metric": "loss", "best_mode": "least"})
    assert puppet.wait_for("attached")["best"] is None
    assert "best_mode='least'" in puppet.complaints()


def test_the_templates_best_metric_counts_where_the_script_names_none(launch: LaunchPuppet) -> None:
    best = {"metric": "accuracy", "mode": "max"}
    puppet = launch(best=best)
    assert puppet.wait_for("attached")["best"] == best
    puppet = launch(attempt=2, best=best, arguments={"best_metric": "loss"})
    assert puppet.wait_for("attached")["best"] == {"metric": "loss", "mode": "min"}
