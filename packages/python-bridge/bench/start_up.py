"""From the start of the server until it is ready, and until every job's state is told as it is.

There are 200 real shims, and 10,000 recorded jobs whose processes are gone. Arguments: how many of each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, insert, select

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.progress import no_progress
from trainstop.server.store import tables
from trainstop.server.store.database import Database

GOAL_SECONDS = 5.0
WAIT_SECONDS = 600.0


@contextmanager
def serving(data: Path, config: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client, float]]:
    """The server, someone who asks it, and the seconds until it was ready."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "trainstop.cli", "serve", "--port", "0", "--data", data]
    server = subprocess.Popen([*command, "--config", config], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().rpartition(" ")[2].strip()
        token = (data / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url, headers=headers, timeout=WAIT_SECONDS) as client:
            assert client.get("/health").json()["ready"]
            yield server, client, time.perf_counter() - begun
    finally:
        server.kill()
        server.wait()


def count(database: Database, status: str) -> int:
    with database.read() as connection:
        query = select(func.count()).select_from(tables.jobs).where(tables.jobs.c.status == status)
        return int(connection.execute(query).scalar_one())


def until(database: Database, status: str, wanted: int) -> float:
    begun = time.perf_counter()
    while count(database, status) < wanted:
        if time.perf_counter() - begun > WAIT_SECONDS:
            raise SystemExit(f"waited in vain for {wanted} jobs that are {status}")
        time.sleep(0.2)
    return time.perf_counter() - begun


def record_gone(database: Database, data: Path, number: int, server_id: str) -> None:
    """Jobs as a machine that lost its power leaves them: running, with a shim of an earlier boot."""
    at = rfc3339(now() - 3600)
    jobs: list[dict[str, Any]] = [
        {
            **{"id": f"job_gone{n:08x}", "owner": None, "name": "Gone", "template": "sleep", "params": {}},
            **{"argv": ["sleep", "1000"], "cwd": "/tmp", "env": {}, "status": "running", "health": "ok"},
            **{"attempt": 1, "created_at": at, "updated_at": at, "started_at": at, "seq": 0},
            **{"progress": no_progress(), "latest_metrics": {}, "status_version": 2, "server_id": server_id},
        }
        for n in range(number)
    ]
    attempts = [
        {
            **{"job_id": job["id"], "attempt": 1, "created_at": at, "launch": "launched", "started_at": at},
            **{"ranks": {}, "rate_samples": [], "signals": {}, "offsets": {}},
        }
        for job in jobs
    ]
    with database.write() as connection:
        connection.execute(insert(tables.jobs), jobs)
        connection.execute(insert(tables.attempts), attempts)
    shim = json.dumps({"boot_id": "an earlier one", "pid": 4_000_000, "start_ticks": 1})
    for job in jobs:
        run = RunDir.of(data, job["id"], 1)
        run.path.mkdir(parents=True)
        run.shim_identity.write_text(shim)
        run.shim_journal.write_text(
            json.dumps({"at": at, "type": "started", "pid": 4_000_001, "start_ticks": 1}) + "\n"
        )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    shims, gone = (*(int(argument) for argument in sys.argv[1:]), *(200, 10_000)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as directory:
        data, config = Path(directory) / "data", Path(directory) / "trainstop.toml"
        config.write_text('[templates.sleep]\ncommand = ["sleep", "1000"]\n')
        with serving(data, config) as (_, client, _):
            for _ in range(shims):
                client.post("/jobs", json={"template": "sleep"}).raise_for_status()
            database = Database(data / "trainstop.db")
            until(database, "running", shims)
        try:
            server_id = json.loads((data / "server.json").read_text())["id"]
            record_gone(database, data, gone, server_id)
            with serving(data, config) as (server, client, seconds):
                cpu = cpu_seconds(server.pid)
                print(
                    f"ready after         {seconds:6.2f} s ({cpu:.2f} s of a core; goal {GOAL_SECONDS:g} s)"
                )
                print(f"all {gone} told after {until(database, 'failed', gone) + seconds:6.2f} s", flush=True)
                if count(database, "running") != shims:
                    raise SystemExit("not every living run was found again")
                jobs = client.get("/jobs", params={"status": "running", "limit": 200}).json()["jobs"]
                assert all(job["health"] == "ok" for job in jobs)
        finally:
            database.close()
            for identity in data.glob("jobs/*/attempts/1/shim.json"):
                told = json.loads(identity.read_text())
                if told["boot_id"] != "an earlier one":
                    os.kill(told["pid"], signal.SIGKILL)
            for journal in data.glob("jobs/*/attempts/1/shim.jsonl"):
                for line in journal.read_text().splitlines():
                    fact = json.loads(line)
                    if fact["type"] == "started" and fact["pid"] < 4_000_000:
                        os.kill(fact["pid"], signal.SIGKILL)


main()
