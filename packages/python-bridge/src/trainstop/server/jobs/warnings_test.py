"""Told before it is needed: a save that does not fit the time which it would have."""

from __future__ import annotations

import pytest

from trainstop.server.jobs.conftest import Desk
from trainstop.server.jobs.launchers import launchers_of


def codes(desk: Desk, job_id: str) -> list[str]:
    return [warning["code"] for warning in desk.job(job_id)["warnings"]]


def saving(desk: Desk, seconds: float) -> str:
    job_id = desk.running()
    desk.save(job_id, save_seconds=seconds)
    return job_id


def test_without_a_measured_save_or_a_stop_there_is_nothing_to_warn_of(desk: Desk) -> None:
    job_id = desk.running()
    desk.cancel(job_id, grace_seconds=1)
    assert codes(desk, job_id) == []
    assert codes(desk, saving(desk, 500)) == []


def test_sigterm_at_once_to_who_does_not_listen_threatens_no_save(desk: Desk) -> None:
    job_id = desk.running()
    desk.save(job_id, save_seconds=10)
    desk.cancel(job_id)
    desk.tell(job_id, "shim", "term_sent", command_id=desk.active(job_id), pid=7)
    command = desk.job(job_id)["command"]
    assert command["term_at"] < command["deadline"]
    assert codes(desk, job_id) == []


def test_the_grace_that_nobody_asked_shorter_always_fits(desk: Desk) -> None:
    for seconds in (0.5, 45.0, 5000.0):
        job_id = saving(desk, seconds)
        desk.cancel(job_id)
        assert codes(desk, job_id) == []


@pytest.mark.parametrize(
    ("grace", "words"), [(80, "kills it after 80 s"), (110, "SIGTERM after 82.5 s"), (121, None)]
)
def test_a_stop_that_gives_a_save_too_little_time_is_told(
    desk: Desk, grace: float, words: str | None
) -> None:
    job_id = saving(desk, 90)
    desk.cancel(job_id, grace_seconds=grace)
    warnings = desk.job(job_id)["warnings"]
    assert [warning["code"] for warning in warnings] == ([] if words is None else ["grace_too_short"])
    assert words is None or ("90 s" in warnings[0]["message"] and words in warnings[0]["message"])


def test_what_a_stop_waits_before_it_is_no_time_to_save(desk: Desk) -> None:
    job_id = saving(desk, 90)
    desk.cancel(job_id, mode="checkpoint", wait_seconds=3600, grace_seconds=80)
    assert codes(desk, job_id) == ["grace_too_short"]
    desk.save(job_id, command_id=desk.active(job_id))
    assert codes(desk, job_id) == []  # it has saved


def test_a_stop_that_came_early_to_its_place_has_its_whole_grace_from_there(desk: Desk) -> None:
    job_id = saving(desk, 15)
    desk.cancel(job_id, mode="checkpoint", wait_seconds=3600)
    desk.acknowledge(job_id)
    assert codes(desk, job_id) == []


def test_a_pause_that_gives_too_little_time_is_told_and_a_hold_saves_nothing(desk: Desk) -> None:
    leaving, standing = saving(desk, 90), saving(desk, 90)
    desk.pause(leaving, grace_seconds=30)
    assert "it may go on" in desk.job(leaving)["warnings"][0]["message"]
    desk.pause(standing, hold=True, grace_seconds=30)
    assert codes(desk, standing) == []


def test_force_and_the_end_need_no_warning(desk: Desk) -> None:
    job_id = saving(desk, 90)
    desk.cancel(job_id, grace_seconds=1)
    desk.cancel(job_id, mode="force")
    assert codes(desk, job_id) == []
    desk.exit(job_id, None, 9)
    assert codes(desk, job_id) == []


@pytest.mark.parametrize(
    ("argv", "environment", "found"),
    [
        (["python", "train.py"], {}, []),
        (["/usr/bin/torchrun", "--nproc-per-node=2", "train.py"], {}, ["torchrun"]),
        (["python", "-m", "torch.distributed.run", "train.py"], {}, ["torchrun"]),
        (["python", "train.py"], {"SLURM_JOB_ID": "7"}, ["Slurm"]),
        (["torchrun", "train.py"], {"SLURM_JOB_ID": "7"}, ["torchrun", "Slurm"]),
    ],
)
def test_who_kills_a_run_in_a_time_of_its_own_is_seen(
    argv: list[str], environment: dict[str, str], found: list[str]
) -> None:
    assert launchers_of(argv, environment) == found


def test_a_launcher_that_kills_sooner_than_a_save_ends_is_told(desk: Desk) -> None:
    job_id = desk.start(note="torchrun")
    desk.run(job_id)
    desk.save(job_id, save_seconds=29)
    assert codes(desk, job_id) == []
    desk.save(job_id, save_seconds=31)
    assert codes(desk, job_id) == ["launcher_grace_too_short"]
    assert "torchrun kills its processes 30 s after" in desk.job(job_id)["warnings"][0]["message"]
