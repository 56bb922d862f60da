"""GPUs of runs whose shim was killed, and of whole stops: real servers and shims, a driver that answers as
told."""

from __future__ import annotations

import json
import os
import signal
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from trainstop.gpu.conftest import GIB, QUICK, dead_pid
from trainstop.gpu.holding import Holding
from trainstop.rundir.atomic_file import read_json
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.journal import Journal
from trainstop.rundir.layout import RunDir
from trainstop.rundir.process_identity import boot_id
from trainstop.server.supervision import gpu_release
from trainstop.server.supervision.conftest import Desk, serving, until
from trainstop.server.supervision.gpu_release import measure_release

if TYPE_CHECKING:
    from trainstop.gpu.conftest import FakeMachine

GPU = "GPU 0 (NVIDIA H100)"


def take(desk: Desk, machine: FakeMachine, job_id: str, **how: Any) -> None:
    """The job takes 23 GiB, and its shim sees the driver list it."""
    until(partial(desk.is_training, job_id), "training")
    machine.hold(desk.told(job_id, "started")[0]["pid"], **how)
    until(lambda: desk.told(job_id, "gpu_seen"), "the driver to list it")


def shim_of(desk: Desk, job_id: str) -> int:
    return int((read_json(desk.run(job_id).shim_identity) or {})["pid"])


@pytest.mark.parametrize("action", ["cancel", "pause"])
def test_a_stop_and_a_pause_end_with_a_receipt_of_the_free_gpu(
    desk: Desk, machine: FakeMachine, action: str
) -> None:
    job_id = desk.start()
    with serving(desk.place, python=machine.python):
        take(desk, machine, job_id, listed=3, used=3)
        getattr(desk, action)(job_id)
        until(lambda: desk.job(job_id)["status"] in ("cancelled", "paused"), "the end")
    receipt = desk.receipts(job_id)["resources_released"]
    assert (receipt["state"], receipt["by"]) == ("done", "shim")
    assert receipt["detail"].startswith(f"0 of 23.0 GiB left on {GPU}, ")
    assert receipt["at"] >= desk.receipts(job_id)["process_exited"]["at"]


def test_a_gpu_that_does_not_come_free_is_told_and_the_stop_ends_all_the_same(
    desk: Desk, machine: FakeMachine
) -> None:
    machine.set(constants={**QUICK, "trainstop.gpu.release": {"RELEASE_SECONDS": 1.0}})
    job_id = desk.start()
    with serving(desk.place, python=machine.python):
        take(desk, machine, job_id, listed="for ever", used="for ever")
        desk.cancel(job_id, mode="force")
        job = until(lambda: desk.ended(job_id), "the end")
    assert (job["status"], job["last_command"]["status"]) == ("cancelled", "succeeded")
    receipt = desk.receipts(job_id)["resources_released"]
    assert receipt["state"] == "failed"
    assert f"on {GPU} with 23.0 GiB" in receipt["detail"]


def test_without_its_shim_the_server_measures_by_what_the_shim_had_seen(
    desk: Desk, machine: FakeMachine
) -> None:
    job_id = desk.start()
    with serving(desk.place, python=machine.python):
        take(desk, machine, job_id, listed=3, used=3)
        os.kill(shim_of(desk, job_id), signal.SIGKILL)
        until(lambda: desk.job(job_id)["health"] == "unsupervised", "the shim's death to be seen")
        desk.cancel(job_id)
        job = until(lambda: desk.ended(job_id), "the end")
    assert job["status"] == "cancelled"
    receipt = desk.receipts(job_id)["resources_released"]
    assert (receipt["state"], receipt["by"]) == ("done", "server")
    assert receipt["detail"].startswith(f"0 of 23.0 GiB left on {GPU}, ")


def test_a_shim_that_waits_for_a_gpu_past_the_deadline_is_not_taken_for_stuck(
    desk: Desk, machine: FakeMachine
) -> None:
    machine.set(
        constants={
            **QUICK,
            "trainstop.gpu.release": {"RELEASE_SECONDS": 5.0},
            "trainstop.server.supervision.attempt": {"STUCK_SHIM_SECONDS": 0.2},
        }
    )
    job_id = desk.start()
    with serving(desk.place, python=machine.python):
        take(desk, machine, job_id, listed="for ever", used="for ever")
        desk.cancel(job_id, grace_seconds=1)
        until(lambda: desk.ended(job_id), "the end")
    assert desk.run(job_id).exit_record.exists(), "the shim was killed"
    assert desk.receipts(job_id)["resources_released"]["by"] == "shim"


def free(**processes: int) -> dict[str, Any]:
    device = {"uuid": "GPU-0", "index": 0, "mig": None, "name": "NVIDIA H100", "error": None}
    listed = [{"pid": pid, "type": "compute", "used_bytes": GIB} for pid in processes.values()]
    sizes = {"used_bytes": GIB + GIB * len(listed), "total_bytes": 80 * GIB}
    return {"driver_version": "1", "devices": [{**device, **sizes, "processes": listed}]}


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """An attempt whose shim had seen a process, long dead, on a GPU."""
    monkeypatch.setattr(gpu_release, "ask_driver", lambda _given_up: free())
    monkeypatch.setattr(gpu_release, "has_driver", lambda: True)
    run = RunDir.of(place, "job_a", 1)
    run.path.mkdir(parents=True)
    run.shim_identity.write_text(json.dumps({"boot_id": boot_id(), "pid": 1, "start_ticks": 1}))
    return run


def wrote(run: RunDir, *facts: dict[str, Any]) -> None:
    journal = Journal(run.shim_journal)
    journal.append_all([{"at": rfc3339(now()), **fact} for fact in facts])
    journal.close()


def seen() -> dict[str, Any]:
    holding = Holding.restored(
        {
            "devices": [{"uuid": "GPU-0", "name": GPU, "held_bytes": GIB, "unlisted_bytes": GIB}],
            "processes": [[dead_pid(), 7]],
            "others": [],
        }
    )
    return {"type": "gpu_seen", **holding.fact()}


def measured(run: RunDir) -> tuple[str, str]:
    verdict = measure_release(run, threading.Event())
    assert verdict is not None
    return verdict["state"], verdict["detail"]


def test_what_the_shim_told_is_not_told_again(run: RunDir) -> None:
    wrote(run, seen(), {"type": "resources", "state": "failed", "detail": "x"})
    assert measure_release(run, threading.Event()) is None


def test_the_last_that_was_seen_counts_wherever_it_lies_in_the_journal(run: RunDir) -> None:
    wrote(run, *[{"type": "delivered", "command_id": "c", "padding": "x" * 10_000}] * 300, seen())
    state, detail = measured(run)
    assert (state, detail.startswith("0 of 1.0 GiB left")) == ("done", True)
    assert "after the stop was delivered" in detail


@pytest.mark.parametrize(
    "broken",
    [{}, {"devices": 7, "processes": [], "others": []}, {"devices": [{}], "processes": [], "others": []}],
)
def test_a_broken_fact_is_no_sight_of_a_gpu(run: RunDir, broken: dict[str, Any]) -> None:
    wrote(run, {"type": "gpu_seen", **broken})
    state, detail = measured(run)
    assert (state, "died before" in detail) == ("not_measured", True)


def test_after_a_restart_of_the_machine_nobody_is_asked(run: RunDir) -> None:
    run.shim_identity.write_text(json.dumps({"boot_id": "another", "pid": 1, "start_ticks": 1}))
    wrote(run, seen())
    state, detail = measured(run)
    assert (state, "restarted" in detail) == ("not_measured", True)


def test_without_a_driver_that_is_the_reason(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_release, "has_driver", lambda: False)
    assert measured(run) == ("not_measured", "This machine has no NVIDIA driver.")


def test_a_server_that_stops_leaves_it_to_the_next(run: RunDir) -> None:
    wrote(run, seen())
    stopping = threading.Event()
    stopping.set()
    assert measure_release(run, stopping) is None
