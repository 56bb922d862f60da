from __future__ import annotations

from typing import Any

import pytest

from trainstop.rundir.clock import rfc3339, unix_seconds
from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.progress import MOST_METRICS
from trainstop.server.jobs.supervised_job import ReadElsewhereError


def end_of(desk: Desk, job_id: str) -> tuple[str, str]:
    job = desk.job(job_id)
    return job["status"], job["end"]["cause"]


def test_a_process_that_starts_makes_the_job_run(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    desk.tell(job_id, "supervisor", "launched")
    assert desk.status(job_id) == "pending"
    desk.tell(job_id, "shim", "started", pid=7, start_ticks=1)
    job = desk.job(job_id)
    assert job["status"] == "running"
    assert job["started_at"] == job["progress"]["started_at"]


def test_exit_code_0_completes_and_another_fails(desk: Desk) -> None:
    for exit_code, expected in ((0, ("completed", "completed")), (3, ("failed", "crashed"))):
        job_id = desk.running()
        desk.exit(job_id, exit_code)
        assert end_of(desk, job_id) == expected
        assert desk.job(job_id)["end"]["exit_code"] == exit_code


def test_a_signal_nobody_here_sent_is_named_plainly(desk: Desk) -> None:
    job_id = desk.running()
    desk.exit(job_id, None, 9)
    assert end_of(desk, job_id) == ("failed", "killed")
    end = desk.job(job_id)["end"]
    assert end["message"] == "The training process was killed by SIGKILL; nobody asked for it here."
    assert (end["exit_code"], end["signal"]) == (None, "SIGKILL")


def test_what_nobody_saw_end_is_interrupted(desk: Desk) -> None:
    job_id = desk.running()
    desk.tell(job_id, "supervisor", "unsupervised")
    assert (desk.status(job_id), desk.job(job_id)["health"]) == ("running", "unsupervised")
    desk.tell(job_id, "supervisor", "gone")
    assert end_of(desk, job_id) == ("failed", "interrupted")
    assert (desk.job(job_id)["health"], desk.job(job_id)["end"]["exit_code"]) == ("ok", None)


def test_what_nobody_saw_end_during_a_stop_is_cancelled(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    desk.tell(job_id, "supervisor", "gone")
    assert end_of(desk, job_id) == ("cancelled", "cancelled")
    receipt = desk.command(job_id)["receipts"][5]
    assert (receipt["stage"], receipt["state"], receipt["by"]) == ("process_exited", "done", "server")


def test_a_shim_that_died_after_it_saw_everything_is_believed(desk: Desk) -> None:
    job_id = desk.running()
    desk.tell(job_id, "shim", "main_exited", exit_code=0, signal=None)
    desk.tell(job_id, "shim", "tree_gone", proven=True, detail=None)
    desk.tell(job_id, "supervisor", "gone")
    assert end_of(desk, job_id) == ("completed", "completed")


def test_a_command_that_cannot_be_started_says_why(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    desk.tell(job_id, "supervisor", "launched")
    desk.tell(job_id, "shim", "start_failed", error="There is no program train.")
    desk.tell(job_id, "shim", "tree_gone", proven=True, detail=None)
    desk.tell(job_id, "supervisor", "exited", exit_code=None, signal=None, error="There is no program train.")
    assert end_of(desk, job_id) == ("failed", "start_failed")
    message = desk.job(job_id)["end"]["message"]
    assert message == "The run could not be started: There is no program train."


def test_an_end_is_decided_once(desk: Desk) -> None:
    job_id = desk.running()
    desk.exit(job_id, 0)
    before = desk.job(job_id)
    desk.exit(job_id, 1)
    desk.tell(job_id, "supervisor", "gone")
    desk.save(job_id)
    assert desk.job(job_id) == before


def test_offsets_are_kept_with_the_facts_they_stand_for(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    started = {"at": rfc3339(1.8e9), "type": "started", "source": "shim", "pid": 1, "start_ticks": 1}
    desk.jobs.record(job_id, 1, [started], {"shim.jsonl": 70})
    desk.jobs.record(job_id, 1, [], {"rank-0.jsonl": 30})
    assert desk.jobs.offsets(job_id, 1) == {"shim.jsonl": 70, "rank-0.jsonl": 30}


def test_nothing_new_writes_no_event(desk: Desk) -> None:
    job_id = desk.running()
    before = desk.job(job_id)
    desk.jobs.record(job_id, 1, [], {"rank-0.jsonl": 99})
    assert desk.job(job_id) == before


def metrics(desk: Desk, job_id: str, rows: list[Any]) -> None:
    desk.tell(job_id, "rank-0", "metrics", rows=rows)


def test_the_rows_of_one_call_are_one_event_with_what_they_change(desk: Desk) -> None:
    job_id = desk.running()
    begin = unix_seconds(desk.job(job_id)["started_at"])
    metrics(
        desk,
        job_id,
        [[1, 1, begin + 1, {"loss": 0.5}], [2, 1, begin + 2, {"loss": "NaN", "accuracy": 0.25}]],
    )
    event = desk.events(job_id)[-1]
    assert event["type"] == "metrics"
    assert event["data"]["columns"] == {
        "attempt": [1, 1],
        "step": [1, 2],
        "epoch": [1, 1],
        "elapsed_seconds": [1.0, 2.0],
        "values": {"loss": [0.5, "NaN"], "accuracy": [None, 0.25]},
    }
    assert event["data"]["latest_metrics"]["loss"]["value"] == "NaN"
    assert event["data"]["progress"]["step"] == 2
    assert desk.job(job_id)["latest_metrics"] == event["data"]["latest_metrics"]


def test_all_rows_come_back_as_columns_of_one_length(desk: Desk) -> None:
    job_id = desk.running()
    moment = desk.clock()
    metrics(desk, job_id, [[1, 1, moment, {"loss": 3}]])
    metrics(desk, job_id, [[2, 1, moment, {"eval_loss": 4}], [3, 1, moment, {"loss": 2}]])
    seq, columns = desk.jobs.metrics(job_id, None)
    assert seq == desk.job(job_id)["seq"]
    assert columns["step"] == [1, 2, 3]
    assert columns["values"] == {"loss": [3, None, 2], "eval_loss": [None, 4, None]}


def test_rate_and_time_to_go_come_from_the_last_seconds(desk: Desk) -> None:
    job_id = desk.running()
    for second in range(21):
        desk.clock.now += 1 - 0.001
        steps = 10 * second if second <= 10 else 100 + 2 * (second - 10)
        desk.tell(job_id, "rank-0", "progress", step=steps, epoch=1)
    progress = desk.job(job_id)["progress"]
    assert progress["steps_per_second"] == pytest.approx(2, rel=0.1)
    assert progress["eta_seconds"] == pytest.approx((780 - 120) / 2, rel=0.1)
    desk.exit(job_id, 0)
    progress = desk.job(job_id)["progress"]
    assert (progress["steps_per_second"], progress["eta_seconds"], progress["step"]) == (None, None, 120)


@pytest.mark.parametrize(
    "fact",
    [
        {"type": "unheard_of"},
        {"type": "progress", "step": -1},
        {"type": "progress", "step": 2**60},
        {"type": "progress", "epoch": "two"},
        {"type": "metrics", "rows": [[1, 1, 1.8e9, {"loss": "high"}]]},
        {"type": "metrics", "rows": [[1, 1]]},
        {"type": "metrics", "rows": 3},
        {"type": "metrics"},
        {"type": "checkpoint", "checkpoint_id": "../../etc"},
        {"type": "left"},
        {"type": "attached", "total_steps": "many"},
    ],
)
def test_a_fact_that_makes_no_sense_is_passed_over_and_the_next_one_counts(
    desk: Desk, fact: dict[str, Any]
) -> None:
    job_id = desk.running()
    at = rfc3339(desk.clock())
    good = {"at": at, "type": "progress", "source": "rank-0", "step": 5, "epoch": None}
    desk.jobs.record(job_id, 1, [{"at": at, "source": "rank-0", **fact}, good], {"rank-0.jsonl": 50})
    assert desk.job(job_id)["progress"]["step"] == 5


def test_a_command_replaced_meanwhile_gets_no_receipts_of_the_next_ones(desk: Desk) -> None:
    job_id = desk.running()
    pause = desk.pause(job_id)["command"]["id"]
    desk.cancel(job_id)
    desk.tell(job_id, "rank-0", "acknowledged", command_id=pause, step=3)
    assert "acknowledged" not in desk.receipts(job_id)


def test_facts_that_do_not_begin_where_the_store_stands_change_nothing(desk: Desk) -> None:
    job_id = desk.running()
    step = {"at": rfc3339(desk.clock()), "source": "rank-0", "type": "progress", "step": 5, "epoch": None}
    desk.jobs.record(job_id, 1, [step], {"rank-0.jsonl": 50}, {})
    before, events = desk.job(job_id), desk.events(job_id)
    for since, end in (({}, 50), ({"rank-0.jsonl": 10}, 50), ({"rank-0.jsonl": 60}, 90), (None, 40)):
        with pytest.raises(ReadElsewhereError) as error:
            desk.jobs.record(job_id, 1, [{**step, "step": 6}], {"rank-0.jsonl": end}, since)
        assert error.value.offsets == {"rank-0.jsonl": 50}
    assert (desk.job(job_id), desk.events(job_id)) == (before, events)
    desk.jobs.record(job_id, 1, [{**step, "step": 6}], {"rank-0.jsonl": 90}, {"rank-0.jsonl": 50})
    assert desk.job(job_id)["progress"]["step"] == 6


@pytest.mark.parametrize(
    "fact",
    [
        {"type": "exited", "exit_code": 0, "signal": None, "tree_gone_at": "2026-11-23T10:00:00.000Z"},
        {"type": "gone"},
        {"type": "launch_failed", "error": "no"},
        {"type": "unsupervised"},
        {"type": "main_exited", "exit_code": 0, "signal": None},
        {"type": "tree_gone", "proven": True, "detail": None},
        {"type": "resources", "state": "done", "detail": "free"},
        {"type": "delivered", "ranks": 1},
        {"type": "expired"},
    ],
    ids=lambda fact: str(fact["type"]),
)
def test_a_run_cannot_say_what_only_its_supervision_can_know(desk: Desk, fact: dict[str, Any]) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    before = (desk.job(job_id), desk.command(job_id))
    desk.tell(job_id, "rank-0", **{"command_id": desk.active(job_id), "type_": fact["type"], **_rest(fact)})
    assert (desk.job(job_id), desk.command(job_id)) == before
    desk.exit(job_id)
    desk.tell(job_id, "supervisor", "gone")
    assert desk.status(job_id) != "stopping"


@pytest.mark.parametrize("type_", ["exited", "gone", "launch_failed", "unsupervised"])
def test_a_file_of_the_run_directory_cannot_say_what_the_server_finds_out_by_itself(
    desk: Desk, type_: str
) -> None:
    job_id = desk.running()
    before = desk.job(job_id)
    for source in ("supervisor", "shim"):
        desk.tell(job_id, source, type_, offset=0, exit_code=0, signal=None, tree_gone_at=None, error="no")
    assert desk.job(job_id) == before
    desk.tell(job_id, "supervisor", "gone")
    assert desk.status(job_id) == "failed"


def _rest(fact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fact.items() if name != "type"}


def test_a_script_that_makes_a_metric_of_every_step_fills_nobodys_memory(desk: Desk) -> None:
    job_id = desk.running()
    for begin in range(0, 4000, 500):
        rows = [[n, None, desk.clock.now, {f"loss_{n}": n, "loss": n}] for n in range(begin, begin + 500)]
        desk.tell(job_id, "rank-0", "metrics", rows=rows)
    desk.tell(
        job_id, "rank-0", "metrics", rows=[[4000, None, desk.clock.now, {"x" * 10_000: 1, "loss": 4000}]]
    )
    _, columns = desk.jobs.metrics(job_id, None)
    assert len(columns["values"]) == MOST_METRICS == len(desk.job(job_id)["latest_metrics"])
    assert columns["values"]["loss"] == columns["step"] == list(range(4001))
