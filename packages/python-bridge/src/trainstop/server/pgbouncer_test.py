"""Two real servers behind a PgBouncer that lends a connection for one transaction. It and the PostgreSQL are
killed again and again while runs report, jobs are started and streams are read."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from trainstop.server.supervision.conftest import WAIT_SECONDS, place, until
from trainstop.server.testing.pgbouncer import POOL_SIZE, PooledPostgres
from trainstop.server.two_servers_test import Server, setting, two_servers

__all__ = ["place", "setting"]

pytestmark = pytest.mark.heavy

RUNS = 4
OUTAGES = ("pooler", "restart", "crash", "both") * 2
ROWS_BETWEEN = 400
"""Of metrics, recorded before the next outage: the store is at work when it comes."""
NOT_NOW = (502, 503, 504)


class World:
    """The database, its pooler, and two servers that know only the pooler."""

    def __init__(self, database: PooledPostgres, url: str, servers: Sequence[Server]) -> None:
        self.database = database
        self.servers = servers
        self.over = threading.Event()
        self.name = url.partition("@/")[2].partition("?")[0]
        self.direct = database.direct_url(self.name)

    def ask(self, server: Server, method: str, path: str, key: str | None = None, **body: Any) -> Any:
        """As a client does: the same again, under the same key, until there is an answer."""

        def answered() -> httpx.Response | None:
            headers = {} if key is None else {"Idempotency-Key": key}
            answer = server.client.request(method, path, json=body or None, headers=headers)
            return None if answer.status_code in NOT_NOW else answer

        answer = until(answered, f"an answer to {method} {path}")
        assert answer.is_success, answer.text
        return answer.json()

    def recorded_rows(self) -> int:
        return self._number("SELECT coalesce(sum(metric_rows), 0) FROM jobs")

    def connections(self) -> int:
        """To the servers' database."""
        return self._number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def _number(self, query: LiteralString) -> int:
        with psycopg.connect(self.direct, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    @contextlib.contextmanager
    def outage(self, kind: str) -> Iterator[None]:
        if kind in ("pooler", "both"):
            self.database.pgbouncer.kill()
        if kind == "restart":
            self.database.stop()
        if kind in ("crash", "both"):
            self.database.crash()
        yield
        if kind in ("pooler", "both"):
            self.database.pgbouncer.start()
        if kind != "pooler":
            self.database.start()


class Reader:
    """Reads a job's stream to its end, and goes on from its cursor wherever that breaks."""

    def __init__(self, world: World, server: Server, job_id: str) -> None:
        self.events: list[dict[str, Any]] = []
        self._over = world.over
        self._server = server
        self._path = f"/jobs/{job_id}/events"
        self._cursor: str | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not (self.events and self.events[-1]["type"] == "end") and not self._over.wait(0.05):
            headers = {} if self._cursor is None else {"Last-Event-ID": self._cursor}
            with (
                contextlib.suppress(httpx.HTTPError),
                self._server.client.stream("GET", self._path, headers=headers) as answer,
            ):
                if answer.status_code in NOT_NOW:
                    continue
                assert answer.status_code == 200, answer.read()
                for line in answer.iter_lines():
                    if line.startswith("id: "):
                        self._cursor = line.removeprefix("id: ")
                    if line.startswith("data: "):
                        self.events.append(json.loads(line.removeprefix("data: ")))

    def expect_each_event_once(self, newest: int) -> None:
        self._thread.join(WAIT_SECONDS)
        told = [event for event in self.events if event["type"] != "log"]
        assert told[-1]["type"] == "end", [event["type"] for event in told[-5:]]
        seqs = [event["seq"] for event in told[:-1]]
        assert seqs == list(range(seqs[0], newest + 1)), "each once, in order, none left out"


@pytest.fixture
def world(setting: Path) -> Iterator[World]:
    database = PooledPostgres()
    try:
        url = database.new_database()
        with two_servers(setting, url) as servers:
            world = World(database, url, servers)
            try:
                yield world
            finally:
                world.over.set()
    finally:
        database.remove()


def test_whatever_dies_between_servers_and_store_no_event_is_lost_or_doubled(
    world: World, setting: Path
) -> None:
    a, b = world.servers
    runs = [a.launch() if number % 2 else b.launch() for number in range(RUNS)]
    readers = [Reader(world, server, job_id) for job_id in runs for server in world.servers]
    small: dict[str, list[str]] = {}

    def start_small(number: int) -> None:
        """In the middle of an outage, and again when nobody knows whether it was done."""
        server, key = world.servers[number % 2], f"small-{number}"
        for _ in range(2):
            body = {"template": "training", "params": {"steps": 20}}
            told = world.ask(server, "POST", "/jobs", key, **body)
            small.setdefault(key, []).append(told["job"]["id"])

    def recorded(goal: int) -> int:
        rows = world.recorded_rows()
        return rows if rows >= goal else 0

    def ended(job_id: str, status: str) -> dict[str, Any] | None:
        job: dict[str, Any] = world.ask(a, "GET", f"/jobs/{job_id}")["job"]
        return job if job["status"] == status else None

    starting = []
    rows = 0
    for number, kind in enumerate(OUTAGES):
        goal = rows + ROWS_BETWEEN
        rows = until(partial(recorded, goal), "more metrics")
        with world.outage(kind):
            starting.append(threading.Thread(target=start_small, args=[number]))
            starting[-1].start()
    with world.outage("both"):
        stopping = []
        for number, job_id in enumerate(runs):
            arguments = (world.servers[number % 2], "POST", f"/cancel/{job_id}", f"stop-{job_id}")
            stopping.append(threading.Thread(target=world.ask, args=arguments))
            stopping[-1].start()
    for thread in (*starting, *stopping):
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()

    made = {job_id for ids in small.values() for job_id in ids}
    assert len(small) == len(made) == len(OUTAGES), "one job for each key, however often it was asked"
    for job_id in (*runs, *made):
        final = "cancelled" if job_id in runs else "completed"
        job = until(partial(ended, job_id, final), final)
        expect_all_was_recorded_once(world, job)
    for index, job_id in enumerate(runs):
        newest = world.ask(a, "GET", f"/jobs/{job_id}")["job"]["seq"]
        for reader in readers[2 * index : 2 * index + 2]:
            reader.expect_each_event_once(newest)
    assert (setting / "tally").read_text() == "started " * (RUNS + len(OUTAGES)), "no run was started twice"
    until(lambda: world.connections() <= POOL_SIZE, "the connections of dead poolers to end")
    assert left_on_connections(world) == []
    for server in world.servers:
        assert "The connection to the store broke" in server.log(), "the outages were felt"


def expect_all_was_recorded_once(world: World, job: dict[str, Any]) -> None:
    query = "SELECT seq, type, data FROM events WHERE job_id = %s ORDER BY seq"
    with psycopg.connect(world.direct) as connection:
        events = connection.execute(query, [job["id"]]).fetchall()
    assert [seq for seq, _, _ in events] == list(range(1, job["seq"] + 1))
    statuses = [data["status"] for _, type_, data in events if type_ == "job"]
    changes = [status for status, _ in itertools.groupby(statuses)]
    stopped = ["stopping", "cancelled"] if job["status"] == "cancelled" else ["completed"]
    assert changes == ["pending", "running", *stopped]
    told = world.ask(world.servers[0], "GET", f"/jobs/{job['id']}/metrics")["columns"]["step"]
    assert told and told == list(range(1, told[-1] + 1)), "each step of the run once, none left out"
    commands = world.ask(world.servers[0], "GET", f"/jobs/{job['id']}/commands")["commands"]
    assert [command["status"] for command in commands] == ["succeeded"] * (len(stopped) - 1)


SET_BY_THE_POOLER = [
    *("application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings")
]


def left_on_connections(world: World) -> list[Any]:
    """What servers left behind on the connections that they lend each other."""
    found: list[Any] = []
    url = world.database.url(world.name)
    with contextlib.ExitStack() as stack:
        pids = set()
        for _ in range(POOL_SIZE):  # a transaction each, so that all of them are seen
            connection = stack.enter_context(psycopg.connect(url, prepare_threshold=None))
            seen = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert seen is not None
            pids.add(seen[0])
            found += connection.execute("SELECT statement FROM pg_prepared_statements").fetchall()
            found += connection.execute("SELECT pg_listening_channels()").fetchall()
            found += connection.execute("SELECT name FROM pg_cursors WHERE is_holdable").fetchall()
            found += connection.execute(
                "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name <> ALL(%s)",
                [SET_BY_THE_POOLER],
            ).fetchall()
            found += connection.execute(
                "SELECT locktype, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            ).fetchall()
            found += connection.execute("SELECT relname FROM pg_class WHERE relpersistence = 't'").fetchall()
        assert len(pids) == POOL_SIZE
    return found
