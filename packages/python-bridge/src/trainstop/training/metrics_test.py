"""Metrics and progress reach the journal as JSON can hold them, or are counted as dropped."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainstop.rundir.journal import LONGEST_LINE_BYTES, Journal, read_facts
from trainstop.training.metric_values import encode, plain_numbers
from trainstop.training.outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.training.conftest import LaunchPuppet


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(number=st.floats() | st.integers())
def test_every_number_survives_json_or_is_named(number: float) -> None:
    encoded = encode(number)
    text = json.dumps(encoded, allow_nan=False)
    back = float(json.loads(text))
    try:
        expected = float(number)
    except OverflowError:
        expected = math.copysign(math.inf, number)
    assert back == expected or (math.isnan(back) and math.isnan(expected))


@pytest.mark.parametrize(
    "value", [np.float32(0.5), np.float64(0.5), np.array(0.5), np.array([[0.5]]), 0.5, np.float16(0.5)]
)
def test_numbers_of_numpy_are_plain_afterwards(value: object) -> None:
    plain = plain_numbers({"loss": value})
    assert plain == {"loss": 0.5}
    assert type(plain["loss"]) is float


def test_an_array_that_changes_later_does_not_change_what_was_logged() -> None:
    running = np.array(1.5)
    plain = plain_numbers({"loss": running, "steps": np.int64(7), "done": True})
    running[...] = 99
    assert plain == {"loss": 1.5, "steps": 7, "done": 1}


def test_what_is_no_number_is_left_out_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def item(self) -> Any:
            raise RuntimeError("device lost")

    metrics = {"text": "0.5", "none": None, "many": np.zeros(3), "broken": Broken(), "loss": 0.5}
    assert plain_numbers(metrics) == {"loss": 0.5}
    told = capsys.readouterr().err
    assert all(f"metric {name!r} is left out" in told for name in ("text", "none", "many", "broken"))


def rows(puppet: Any) -> list[Any]:
    return [row for fact in puppet.facts("metrics") for row in fact["rows"]]


def test_rows_and_progress_are_written_while_the_script_is_busy_elsewhere(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.do("run.end_step(41)")
    puppet.do("run.log({'train_loss': 0.25, 'gone': float('nan'), 'far': -1e999}, step=42, epoch=3)")
    puppet.wait_for("metrics")
    [[step, epoch, at, values]] = rows(puppet)
    assert (step, epoch) == (42, 3)
    assert values == {"train_loss": 0.25, "gone": "NaN", "far": "-Infinity"}
    assert at > 1.7e9
    assert puppet.wait_for("progress", step=41, epoch=3)
    puppet.do("run.end_epoch(4)")
    assert puppet.wait_for("progress", step=41, epoch=4)


def test_everything_logged_is_written_once_and_in_order_when_the_run_leaves(launch: LaunchPuppet) -> None:
    puppet = launch()
    puppet.do("[run.log({'loss': i}, step=i) for i in range(5000)]")
    puppet.leave()
    assert [row[0] for row in rows(puppet)] == list(range(5000))
    assert puppet.facts()[-1]["type"] == "left"


def test_a_million_rows_that_no_disk_takes_are_bounded_and_counted(launch: LaunchPuppet) -> None:
    puppet = launch(before="from trainstop.training import outbox; outbox.MAX_WAITING_ROWS = 10")
    puppet.do("run._attachment.outbox._lock.acquire()")  # as a flush that hangs in a write would hold it
    puppet.do("[run.log({'loss': i}, step=i) for i in range(50)]")
    puppet.do("run._attachment.outbox._lock.release()")
    assert puppet.wait_for("dropped")["rows"] == 40
    assert [row[0] for row in rows(puppet)] == list(range(10))


FULL_DISK = """
full = False
real_write = os.write
def write(descriptor, data):
    if full and os.readlink(f"/proc/self/fd/{descriptor}").endswith(".jsonl"):
        raise OSError(28, "No space left on device")
    return real_write(descriptor, data)
os.write = write
"""


def test_on_a_full_disk_training_goes_on_rows_are_counted_and_a_stop_is_still_told_later(
    launch: LaunchPuppet,
) -> None:
    puppet = launch(before=FULL_DISK)
    puppet.do("globals().update(full=True)")
    puppet.do("[run.log({'loss': i}, step=i) for i in range(7)]")
    puppet.until("len(run._attachment.outbox._rows)", "0")
    puppet.do("run._attachment.outbox.flush((None, None))")
    puppet.order({"id": "cmd_1", "action": "cancel", "mode": "graceful"} | TIMES)
    puppet.until("run.stop_pending")
    assert puppet.do("run.end_step(7)") == "Turn(save=True, stop=True)"
    puppet.do("globals().update(full=False)")
    assert puppet.wait_for("acknowledged")["step"] == 7
    assert puppet.wait_for("dropped")["rows"] == 7
    puppet.leave()
    assert puppet.wait_for("left")["reason"] == "cancel"
    assert puppet.end() == 0
    assert puppet.complaints().count("are dropped until") <= 1
    assert "Traceback" not in puppet.complaints()


TIMES: Any = {"created_at": 0.0, "term_at": 1.0, "deadline": 2.0}


def test_nonsense_is_told_and_never_raised(launch: LaunchPuppet) -> None:
    puppet = launch()
    assert puppet.do("run.log(None)") == "None"
    assert puppet.do("run.log({'loss': 1}, step='x')") == "None"
    assert puppet.do("run.end_step(None)") == "Turn(save=False, stop=False)"
    assert puppet.do("run.end_step(1, save_every='x')") == "Turn(save=False, stop=False)"
    assert puppet.do("run.end_step(2, save_every=0)") == "Turn(save=False, stop=False)"
    assert puppet.do("run.end_step(3, save_every=-5)") == "Turn(save=False, stop=False)"
    puppet.leave()
    assert puppet.wait_for("left")["step"] == 3
    assert puppet.complaints().count("trainstop:") >= 3


def test_many_metrics_at_once_are_cut_into_lines_that_a_reader_takes(tmp_path: Path) -> None:
    path = tmp_path / "rank-0.jsonl"
    outbox = Outbox(Journal(path), None)
    values = {f"{'a long name ' * 8}{number}": 0.123456789012345 for number in range(1500)}
    for step in range(60):
        outbox.add((step, None, 1.5, values))
    outbox.flush((None, None))
    outbox.close()
    facts, _ = read_facts(path, 0, path.stat().st_size)
    assert [row[0] for fact in facts for row in fact["rows"]] == list(range(60))
    assert max(map(len, path.read_bytes().splitlines())) < LONGEST_LINE_BYTES / 2
