"""The list of jobs over HTTP with 1,000,000 of them stored, on SQLite and on PostgreSQL, both on the disk.

One process is the server (without supervision: these jobs have no processes), another asks it, one question
after the other on one connection. Arguments: how many jobs (default 1000000), how many questions of each kind
(default 200).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, insert, literal, select, text

from trainstop.rundir.clock import now, rfc3339
from trainstop.server.app import BASE_PATH, ServerOptions, TrainingServer
from trainstop.server.configuration.configuration import Configuration
from trainstop.server.configuration.limits_section import LimitsSection
from trainstop.server.garbage_collection import exempt_what_is_loaded
from trainstop.server.jobs.progress import no_progress
from trainstop.server.security.token import Token
from trainstop.server.serving import HttpServer, listen
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store_place import DATABASE_NAME, VARIABLE
from trainstop.server.testing.own_directory import on_disk
from trainstop.server.testing.postgres import Postgres

GOAL_MS = 20.0
OWNERS = 1_000
PARTS = 50
"""One is made as rows; the store copies it."""
OLD_PARTS = 10
NOT_OVER = "pending,running,pausing,paused,stopping"
TOKEN = "million-jobs-0123456789"


# The jobs


def made(count: int, *, old: bool) -> list[dict[str, Any]]:
    """Owners left, others came, other ends are usual: who looks for what is old through all that came since
    would take long."""
    chance = random.Random(old)
    over = ("cancelled", "completed") if old else ("completed", "failed")
    at = rfc3339(now() - 3600)
    metrics = {name: {"value": 0.1, "step": 780, "at": at} for name in ("train_loss", "eval_loss", "lr")}
    jobs = []
    for number in range(count):
        owner = f"owner-{chance.randrange(OWNERS)}"
        if chance.random() < 0.3:
            owner = "left" if old else "busy"
        status = chance.choices(over, (0.7, 0.3))[0]
        if number % 4000 == 7:
            status = chance.choice(("running", "paused"))  # those that are not over are few
        jobs.append(
            {
                **{"id": f"{'old' if old else 'new'}_{number:08x}", "owner": owner, "status": status},
                **{"name": "Digits", "template": "digits", "params": {"epochs": 10}, "cwd": "/srv"},
                **{"argv": ["python", "train.py", "--epochs", "10"], "env": {}, "health": "ok"},
                **{"created_at": at, "updated_at": at, "started_at": at, "attempt": 1},
                **{"progress": no_progress() | {"step": 780, "step_total": 780}, "status_version": 3},
                **{"latest_metrics": metrics, "seq": 40, "server_id": "srv_1"},
                **{"last_checkpoint_id": "step-00000780", "last_command_id": None},
            }
        )
    return jobs


def checkpoint_of(job: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"id": "step-00000780", "job_id": job["id"], "attempt": 1, "step": 780, "epoch": 10.0},
        **{"path": f"/srv/{job['id']}", "bytes": 1 << 30, "files": 4, "saved_at": job["created_at"]},
        **{"save_seconds": 2.0, "reason": "scheduled", "verified": True, "metrics": {"loss": 0.1}},
    }


def attempt_of(job: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"job_id": job["id"], "attempt": 1, "created_at": job["created_at"], "launch": "launched"},
        **{"ranks": {}, "rate_samples": [], "signals": {}, "offsets": {"rank-0.jsonl": 90_000}},
    }


def fill(database: Database, count: int) -> None:
    few = made(3, old=True)
    for number, job in enumerate(few):
        job |= {"id": f"few_{number}", "owner": "few", "status": "cancelled"}
    store(database, few)
    for old in (True, False):
        jobs = made(count // PARTS, old=old)
        last = store(database, jobs)
        for copy in range(1, OLD_PARTS if old else PARTS - OLD_PARTS):
            store_copy(database, f"c{copy}_", last - len(jobs), last)
    with database.write() as connection:
        connection.execute(text("ANALYZE"))  # PostgreSQL does this by itself, a minute later


def store(database: Database, jobs: list[dict[str, Any]]) -> int:
    """The number of the last one."""
    with database.write() as connection:
        connection.execute(insert(tables.jobs), jobs)
        connection.execute(insert(tables.checkpoints), [checkpoint_of(job) for job in jobs])
        connection.execute(insert(tables.attempts), [attempt_of(job) for job in jobs])
        return int(connection.execute(select(func.max(tables.jobs.c.number))).scalar_one())


def store_copy(database: Database, prefix: str, after: int, last: int) -> None:
    jobs = tables.jobs
    originals = select(jobs.c.id).where(jobs.c.number > after, jobs.c.number <= last)
    with database.write() as connection:
        if not database.shared:
            # Of this connection, while it is filled.
            connection.exec_driver_sql("PRAGMA cache_size = -500000")
        for table, id_ in ((jobs, "id"), (tables.checkpoints, "job_id"), (tables.attempts, "job_id")):
            columns = [column for column in table.c if column.name != "number"]
            copied = [literal(prefix) + each if each.name == id_ else each for each in columns]
            rows = select(*copied).where(table.c[id_].in_(originals)).order_by(table.c[id_])
            connection.execute(insert(table).from_select([each.name for each in columns], rows))


# The server


class Unsupervised:
    def __init__(self, jobs: Any, data_dir: Path) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def serve(data_dir: Path) -> None:
    """Until it is killed. Tells its port."""
    limits = LimitsSection(reads_per_second=1e6)
    options = ServerOptions(data_dir, Token(TOKEN), Configuration(limits=limits), dict(os.environ))
    listener = listen("127.0.0.1", 0)

    def ready() -> None:
        exempt_what_is_loaded()  # as `trainstop serve` does
        print(listener.getsockname()[1], flush=True)

    HttpServer(TrainingServer(options, Unsupervised), ready).run(sockets=[listener])


@contextmanager
def served(data_dir: Path, url: str) -> Iterator[http.client.HTTPConnection]:
    command = [sys.executable, __file__, "serve", str(data_dir)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, VARIABLE: url})
    try:
        assert server.stdout is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(server.stdout.readline()), timeout=600)
        yield connection
        connection.close()
    finally:
        server.kill()
        server.wait()


# The questions


def questions(count: int) -> dict[str, Callable[[], tuple[str | None, dict[str, str]]]]:
    """What → a new (owner, query) of that kind."""
    chance = random.Random(2)
    copies: dict[str | None, list[tuple[str, int]]] = {None: []}
    """Owner (None: whosoever) → jobs of theirs, each with how many copies of it there are."""
    for old in (True, False):
        for job in made(count // PARTS, old=old):
            found = job["id"], OLD_PARTS if old else PARTS - OLD_PARTS
            copies[None].append(found)
            copies.setdefault(job["owner"], []).append(found)

    def some_job(owner: str | None) -> str:
        job_id, parts = chance.choice(copies[owner])
        copy = chance.randrange(parts)
        return f"c{copy}_{job_id}" if copy else job_id

    def of(owner: str | None, status: str = "", *, far: bool = False) -> tuple[str | None, dict[str, str]]:
        cursor = f"before-{some_job(owner)}" if far else ""
        given = {"status": status, "cursor": cursor}
        return owner, {name: value for name, value in given.items() if value}

    def somebody() -> str:
        return f"owner-{chance.randrange(OWNERS)}"

    return {
        "first page": lambda: of(None),
        "any page": lambda: of(None, far=True),
        "a frequent status": lambda: of(None, "completed"),
        "a frequent status, any page": lambda: of(None, "completed", far=True),
        "a status that is no more given": lambda: of(None, "cancelled"),
        "a rare status": lambda: of(None, "running"),
        "not over": lambda: of(None, NOT_OVER),
        "several statuses, any page": lambda: of(None, "failed,paused,cancelled", far=True),
        "an owner": lambda: of(somebody()),
        "an owner, any page": lambda: of(somebody(), far=True),
        "an owner, a frequent status, any page": lambda: of(somebody(), "completed", far=True),
        "an owner, a rare status": lambda: of(somebody(), "running"),
        "an owner, several statuses, any page": lambda: of(somebody(), "cancelled,running", far=True),
        "an owner with much": lambda: of("busy", far=True),
        "an owner with much, not over": lambda: of("busy", NOT_OVER),
        "an owner who left long ago": lambda: of("left"),
        "an owner who left, a frequent status": lambda: of("left", "completed"),
        "an owner who left, never given status": lambda: of("left", "failed"),
        "an owner with few": lambda: of("few"),
        "an owner with few, a frequent status": lambda: of("few", "completed"),
        "an owner with few, several statuses": lambda: of("few", "completed,cancelled"),
        "an owner with nothing": lambda: of("nobody"),
    }


def measure(connection: http.client.HTTPConnection, count: int, times: int) -> None:
    for what, ask in questions(count).items():
        seconds, jobs = [], 0
        for _ in range(times):
            owner, query = ask()
            headers = {"Authorization": f"Bearer {TOKEN}"}
            if owner is not None:
                headers["Trainstop-Owner"] = owner
            begun = time.perf_counter()
            connection.request("GET", f"{BASE_PATH}/jobs?{urlencode(query)}", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            seconds.append(time.perf_counter() - begun)
            assert answer.status == 200, body
            jobs += len(json.loads(body)["jobs"])
        cuts = statistics.quantiles(seconds, n=100)
        p50, p99 = cuts[49] * 1000, cuts[98] * 1000
        print(
            f"  {what:38} {jobs / times:4.0f} jobs  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms"
            f"  (goal p99 {GOAL_MS:g}{'' if p99 <= GOAL_MS else ': MISSED'})",
            flush=True,
        )


def run(data_dir: Path, url: str | None, count: int, times: int) -> None:
    begun = time.perf_counter()
    database = Database(data_dir / DATABASE_NAME if url is None else PostgresUrl(url))
    fill(database, count)
    database.close()
    name = "SQLite" if url is None else "PostgreSQL"
    print(f"{name}: {count:,} jobs stored in {time.perf_counter() - begun:.0f} s", flush=True)
    with served(data_dir, url or "") as connection:
        measure(connection, count, times)


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
        return
    numbers = [int(argument) for argument in sys.argv[1:]]
    count, times = (*numbers, *(1_000_000, 200)[len(numbers) :])
    with tempfile.TemporaryDirectory(dir=on_disk()) as directory:
        run(Path(directory), None, count, times)
    postgres = Postgres(on_disk())
    with tempfile.TemporaryDirectory(dir=on_disk()) as directory:
        run(Path(directory), postgres.new_database(), count, times)
    postgres.remove()


main()
