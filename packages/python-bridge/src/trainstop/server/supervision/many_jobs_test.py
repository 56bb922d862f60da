"""200 real runs at once on a small machine, started and stopped in bursts; and the server killed in one."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from sqlalchemy import func, select

from trainstop.server.store import tables
from trainstop.server.supervision.conftest import Desk, processes_of, served

T = TypeVar("T")
R = TypeVar("R")

JOBS = 200
PATIENCE_SECONDS = 600.0
AT_ONCE = 16
"""Requests under way."""

SCRIPT = """
import os, time, trainstop

with open(f"tally-{os.environ['TRAINSTOP_JOB_ID']}", "a") as tally:
    tally.write("started ")
with trainstop.run() as run:
    step = 0
    while True:
        step += 1
        turn = run.end_step(step)
        if turn.save:
            with run.checkpoint(step=step) as path:
                (path / "step").write_text(str(step))
        if turn.stop:
            break
        time.sleep(0.5)
"""

CONFIG = """
[server]
grace_seconds = 1800

[limits]
starts_per_second = 100000
controls_per_second = 100000

[templates.small]
command = ["{python}", "small.py"]
"""


class Burst:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.config = place / "trainstop.toml"
        self.config.write_text(CONFIG)
        (place / "small.py").write_text(SCRIPT)
        self.desk = Desk(place)
        self.ids: list[str] = []

    def start_all(self, client: httpx.Client) -> None:
        def start(_: int) -> str:
            return str(answered(client.post("/jobs", json={"template": "small"}))["job"]["id"])

        self.ids = in_parallel(start, range(JOBS))

    def cancel(self, client: httpx.Client, ids: list[str]) -> None:
        in_parallel(lambda job_id: answered(client.post(f"/cancel/{job_id}", json={})), ids)

    def statuses(self) -> Counter[str]:
        query = select(tables.jobs.c.status, func.count()).group_by(tables.jobs.c.status)
        with self.desk.database.read() as connection:
            return Counter({status: count for status, count in connection.execute(query).all()})

    def wait_until_all_are(self, status: str) -> None:
        ends = time.monotonic() + PATIENCE_SECONDS
        while (found := self.statuses()) != {status: JOBS}:
            assert time.monotonic() < ends, found
            time.sleep(0.1)

    def wait_until_all_train(self) -> None:
        """They are running when their process is; they save only once they have come to their first step."""
        self.wait_until_all_are("running")
        ends = time.monotonic() + PATIENCE_SECONDS
        while any(not self.desk.run(job_id).rank_wake(0).exists() for job_id in self.ids):
            assert time.monotonic() < ends, "some never attached"
            time.sleep(0.1)

    def expect_each_was_stopped_once(self) -> None:
        assert len(set(self.ids)) == JOBS
        for job_id in self.ids:
            assert self.desk.statuses(job_id) == ["pending", "running", "stopping", "cancelled"]
            numbers = [event["seq"] for event in self.desk.events(job_id)]
            assert numbers == list(range(1, len(numbers) + 1))
            states = {stage: receipt["state"] for stage, receipt in self.desk.receipts(job_id).items()}
            assert states.pop("resources_released") in ("done", "not_measured")
            assert set(states.values()) == {"done"}, states
            assert (self.place / f"tally-{job_id}").read_text() == "started "
        ends = time.monotonic() + PATIENCE_SECONDS
        while left := [pid for pid in processes_of(self.place) if not is_server(pid)]:
            assert time.monotonic() < ends, left
            time.sleep(0.1)


def answered(answer: httpx.Response) -> dict[str, dict[str, object]]:
    assert answer.is_success, answer.text
    return dict(answer.json())


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(function, items))


def is_server(pid: int) -> bool:
    try:
        return b"trainstop.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def tell(what: str, begun: float, server: subprocess.Popen[bytes]) -> None:
    status = Path(f"/proc/{server.pid}/status").read_text()
    [kib] = re.findall(r"VmRSS:\s+(\d+) kB", status)
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    seconds = time.monotonic() - begun
    print(f"{JOBS} jobs {what}: {seconds:.1f} s; server: {cpu:.1f} s CPU so far, {int(kib) / 1024:.0f} MiB")


@pytest.fixture
def burst(place: Path) -> Iterator[Burst]:
    burst = Burst(place)
    yield burst
    burst.desk.close()


@pytest.mark.heavy
def test_200_runs_start_and_stop_in_one_burst_each_once(burst: Burst) -> None:
    with served(burst.place, burst.config) as (server, client):
        begun = time.monotonic()
        burst.start_all(client)
        burst.wait_until_all_train()
        tell("started", begun, server)
        begun = time.monotonic()
        burst.cancel(client, burst.ids)
        tell("asked to stop", begun, server)
        burst.wait_until_all_are("cancelled")
        tell("stopped", begun, server)
        burst.expect_each_was_stopped_once()


@pytest.mark.heavy
def test_a_server_killed_amid_both_bursts_loses_none_and_starts_none_twice(burst: Burst) -> None:
    with served(burst.place, burst.config) as (_, client):
        burst.start_all(client)  # many of them are just being launched
    with served(burst.place, burst.config) as (_, client):
        burst.wait_until_all_train()
        burst.cancel(client, burst.ids[: JOBS // 2])  # many of them are just stopping
    with served(burst.place, burst.config) as (server, client):
        begun = time.monotonic()
        burst.cancel(client, burst.ids)  # those that were stopped join, or find nothing to do
        burst.wait_until_all_are("cancelled")
        tell("stopped after two servers were killed", begun, server)
        burst.expect_each_was_stopped_once()
