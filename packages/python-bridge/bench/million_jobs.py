"""The list of jobs with 1,000,000 of them stored, on SQLite and on PostgreSQL, both on the disk.

Arguments: how many jobs (default 1000000), how many questions of each kind (default 200).
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert, literal, select, text

from trainstop.rundir.clock import rfc3339
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.progress import no_progress
from trainstop.server.jobs.supervision_view import Launching
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.testing.own_directory import on_disk
from trainstop.server.testing.postgres import Postgres

GOAL_MS = 20.0
PAGE = 50
OWNERS = 1_000
STATUSES = {"completed": 0.7, "failed": 0.15, "cancelled": 0.1495, "paused": 0.0003, "running": 0.0002}
"""Parts of the whole: those that are over pile up, those that run are few."""
BATCH = 20_000


def rows(count: int) -> list[dict[str, Any]]:
    chance = random.Random(1)
    statuses, weights = list(STATUSES), list(STATUSES.values())
    at = rfc3339(1_800_000_000)
    return [
        {
            **{"id": f"job_{number:08x}", "owner": f"owner-{chance.randrange(OWNERS)}", "name": "Digits"},
            **{"template": "digits", "params": {"epochs": 10}, "cwd": "/srv/training", "env": {}},
            **{"argv": ["python", "train.py", "--epochs", "10"], "health": "ok", "attempt": 1},
            **{"status": chance.choices(statuses, weights)[0], "created_at": at, "updated_at": at},
            **{"progress": no_progress() | {"step": 780, "step_total": 780}, "status_version": 3},
            **{"latest_metrics": {"loss": {"value": 0.1, "step": 780, "at": at}}, "seq": 40},
            **{"last_checkpoint_id": "step-00000780", "last_command_id": None, "server_id": "srv_1"},
        }
        for number in range(count)
    ]


def fill(database: Database, count: int) -> None:
    """A batch as rows, the others as copies of it, which the store makes itself."""
    jobs = rows(min(BATCH, count))
    checkpoints = [
        {
            **{"id": "step-00000780", "job_id": job["id"], "attempt": 1, "step": 780, "epoch": 10.0},
            **{"path": f"/srv/{job['id']}", "bytes": 1 << 30, "files": 4, "saved_at": job["created_at"]},
            **{"save_seconds": 2.0, "reason": "scheduled", "verified": True, "metrics": {"loss": 0.1}},
        }
        for job in jobs
    ]
    with database.write() as connection:
        connection.execute(insert(tables.jobs), jobs)
        connection.execute(insert(tables.checkpoints), checkpoints)
    for copy in range(1, count // BATCH):
        with database.write() as connection:
            for table, id_ in ((tables.jobs, "id"), (tables.checkpoints, "job_id")):
                columns = [column for column in table.c if column.name != "number"]
                copied = [
                    (literal(f"c{copy}_") + column).label(id_) if column.name == id_ else column
                    for column in columns
                ]
                originals = select(*copied).where(table.c.number <= BATCH)
                connection.execute(insert(table).from_select([each.name for each in columns], originals))
    with database.write() as connection:
        connection.execute(text("ANALYZE"))  # PostgreSQL does this by itself, a minute later


def questions(jobs: Jobs, count: int) -> dict[str, Callable[[], Any]]:
    chance = random.Random(2)

    def owner() -> str:
        return f"owner-{chance.randrange(OWNERS)}"

    originals = [(job["id"], job["owner"]) for job in rows(min(BATCH, count))]

    def some_job() -> tuple[str, str]:
        """And its owner."""
        id_, owner = chance.choice(originals)
        copy = chance.randrange(max(1, count // BATCH))
        return (f"c{copy}_{id_}" if copy else id_), owner

    def ask(owner: str | None, statuses: list[str], before: str | None) -> Any:
        return jobs.newest(owner, statuses, before, PAGE)

    def of_an_owner_from_the_middle_on() -> Any:
        before, its_owner = some_job()
        return ask(its_owner, [], before)

    return {
        "first page": lambda: ask(None, [], None),
        "a page in the middle": lambda: ask(None, [], some_job()[0]),
        "of an owner": lambda: ask(owner(), [], None),
        "of an owner, from the middle on": of_an_owner_from_the_middle_on,
        "with a frequent status": lambda: ask(None, ["completed"], some_job()[0]),
        "with a rare status": lambda: ask(None, ["running"], None),
        "not over, all statuses of that": lambda: ask(
            None, ["pending", "running", "pausing", "paused", "stopping"], None
        ),
        "with several statuses": lambda: ask(None, ["failed", "paused"], some_job()[0]),
        "of an owner with a frequent status": lambda: ask(owner(), ["completed"], None),
        "of an owner with a rare status": lambda: ask(owner(), ["running"], None),
        "of an owner with several statuses": lambda: ask(owner(), ["cancelled", "running"], None),
    }


def measure(name: str, database: Database, count: int, times: int) -> None:
    begun = time.perf_counter()
    fill(database, count)
    print(f"{name}: {count:,} jobs stored in {time.perf_counter() - begun:.0f} s")
    jobs = Jobs(database, Launching(Path("/"), {}, 0), {})
    for what, ask in questions(jobs, count).items():
        seconds = []
        for _ in range(times):
            begun = time.perf_counter()
            ask()
            seconds.append(time.perf_counter() - begun)
        cuts = statistics.quantiles(seconds, n=100)
        p50, p99 = cuts[49] * 1000, cuts[98] * 1000
        print(f"  {what:36} p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  (goal p99 {GOAL_MS:g})", flush=True)


def main() -> None:
    numbers = [int(argument) for argument in sys.argv[1:]]
    count, times = (*numbers, *(1_000_000, 200)[len(numbers) :])
    with tempfile.TemporaryDirectory() as directory:
        database = Database(Path(directory) / "trainstop.db")
        measure("SQLite", database, count, times)
        database.close()
    postgres = Postgres(on_disk())
    try:
        database = Database(PostgresUrl(postgres.new_database()))
        measure("PostgreSQL", database, count, times)
        database.close()
    finally:
        postgres.remove()


main()
