from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event

from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.start_command import CommandRequest


def launchable(desk: Desk) -> list[str]:
    return [job.job_id for job in desk.jobs.supervised() if job.may_launch]


def test_the_spec_is_complete(desk: Desk) -> None:
    job_id = desk.start(epochs=3, note="x y")
    spec = desk.spec(job_id)
    assert spec["argv"][1:] == ["train.py", "--epochs", "3", "x y"]
    assert spec["env"] == {"PATH": "/bin", "COLOUR": "off"}
    assert (spec["job_id"], spec["attempt"], spec["resume"]) == (job_id, 1, None)
    assert spec["server_wake"].endswith("server.wake")


def test_jobs_beyond_the_limit_wait_and_the_oldest_goes_first(desk_with: Callable[[int], Desk]) -> None:
    desk = desk_with(2)
    first, second, third, fourth = (desk.start() for _ in range(4))
    assert launchable(desk) == [first, second]
    desk.run(first)
    desk.run(second)
    assert launchable(desk) == []
    assert not desk.jobs.claim_launch(third, 1)
    desk.exit(first, 0)
    assert launchable(desk) == [third]
    assert desk.jobs.claim_launch(third, 1)
    assert not desk.jobs.claim_launch(fourth, 1)


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """What is asked of the store meanwhile."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = desk.jobs._database._engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


JOBS = 200
ENVIRONMENT_BYTES = 20_000
"""Of each job. `trainstop run` keeps the whole of a shell's."""


def test_a_look_at_many_jobs_is_one_query_and_reads_little_of_each(
    desk_with: Callable[[int], Desk],
) -> None:
    desk = desk_with(JOBS)
    request = CommandRequest(argv=["train"], cwd="/", env={"WHOLE": "x" * ENVIRONMENT_BYTES}, name="train")
    ids = [str(desk.jobs.start_command(request, desk.asked())["id"]) for _ in range(JOBS)]
    for job_id in ids:
        assert desk.jobs.claim_launch(job_id, 1)
        desk.jobs.record(job_id, 1, [], {f"rank-{rank}.jsonl": 1 for rank in range(64)})
    desk.jobs.supervised()  # what a first time needs is kept
    with statements(desk) as seen:
        tracemalloc.start()
        jobs = desk.jobs.supervised()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert [job.job_id for job in jobs] == ids
    assert len([each for each in seen if each.lstrip().upper().startswith("SELECT")]) == 1, seen
    assert peak / JOBS < 5_000, "bytes a job, all that Python needs for it included"


def test_a_look_at_one_job_reads_none_of_the_others(desk_with: Callable[[int], Desk]) -> None:
    desk = desk_with(2)
    first, second, third = (desk.start() for _ in range(3))
    with statements(desk) as seen:
        jobs = [desk.jobs.supervised_job(each) for each in (first, second, third)]
    assert [job is not None and job.may_launch for job in jobs] == [True, True, False]
    assert len([each for each in seen if each.lstrip().upper().startswith("SELECT")]) <= 2 * 3, seen


def test_a_pausing_or_stopping_run_keeps_its_place_until_it_is_gone(
    desk_with: Callable[[int], Desk],
) -> None:
    desk = desk_with(1)
    first, second = desk.start(), desk.start()
    desk.run(first)
    desk.pause(first)
    assert launchable(desk) == []
    desk.obey(first)
    assert launchable(desk) == [second]


def test_a_claim_is_kept_until_the_launch_is_known(desk: Desk) -> None:
    job_id = desk.start()
    assert desk.jobs.claim_launch(job_id, 1)
    supervised = desk.jobs.supervised_job(job_id)
    assert supervised is not None
    assert (supervised.claimed, supervised.launched, supervised.may_launch) == (True, False, True)
    assert desk.jobs.claim_launch(job_id, 1)
    desk.tell(job_id, "supervisor", "launched")
    assert not desk.jobs.claim_launch(job_id, 1)


def test_a_run_that_reports_by_http_is_told_apart_from_one_in_which_nobody_listens(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id)
    control = desk.control(job_id)
    assert control is not None
    assert control["reported"] is False
    desk.jobs.record(job_id, 1, [], {"report-rank-0": 1})
    assert desk.control(job_id) == {**control, "reported": True}


def test_supervision_is_told_of_what_it_must_act_on(desk: Desk) -> None:
    told: list[str] = []
    desk.jobs.on_change = told.append
    job_id = desk.start()
    desk.run(job_id)
    assert told == [job_id]
    desk.cancel(job_id)
    desk.cancel(job_id, mode="force")
    assert told == [job_id] * 3
    desk.exit(job_id, None, 9)
    assert told == [job_id] * 4


def test_supervision_is_told_at_once_that_a_pause_has_expired(desk: Desk) -> None:
    job_id = desk.running()
    desk.pause(job_id)
    told: list[str] = []
    desk.jobs.on_change = told.append
    desk.tell(job_id, "supervisor", "expired", command_id=desk.active(job_id))
    assert told == [job_id]
    supervised = desk.jobs.supervised_job(job_id)
    assert supervised is not None
    assert supervised.control is None


def test_final_and_paused_jobs_need_no_supervision(desk: Desk) -> None:
    for job_id in (desk.stopped(), desk.paused()):
        assert desk.jobs.supervised_job(job_id) is None
    assert desk.jobs.supervised() == []
