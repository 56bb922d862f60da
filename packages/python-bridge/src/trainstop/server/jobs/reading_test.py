"""A page of jobs is a stretch of one index, however many jobs there are and however old those asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from trainstop.rundir.clock import rfc3339
from trainstop.server.conftest import STORES, postgres
from trainstop.server.jobs import reading
from trainstop.server.jobs.progress import no_progress
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.testing.own_directory import in_memory

AT = rfc3339(1_800_000_000)
OLD, NEW = 1000, 4000
QUESTIONS = [
    (None, None),
    ("left", None),
    ("busy", None),
    (None, "cancelled"),
    (None, "completed"),
    ("left", "cancelled"),
    ("left", "completed"),
    ("busy", "completed"),
]


def job(number: int) -> dict[str, Any]:
    """Whoever left was there before all others; the others' jobs end otherwise."""
    old = number < OLD
    return {
        **{"id": f"job_{number}", "owner": "left" if old else "busy", "name": "Digits", "template": None},
        **{"params": {}, "argv": [], "cwd": "/", "env": {}, "health": "ok", "attempt": 1, "seq": 1},
        **{"status": ("cancelled" if old else "failed") if number % 2 else "completed"},
        **{"created_at": AT, "updated_at": AT, "progress": no_progress(), "latest_metrics": {}},
        "status_version": 1,
    }


@pytest.fixture(scope="module", params=STORES)
def filled(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A store of each kind, which no test changes."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as directory:
        url = PostgresUrl(postgres().new_database()) if request.param == "postgresql" else None
        database = Database(url or Path(directory) / "trainstop.db")
        with database.write() as connection:
            connection.execute(insert(tables.jobs), [job(number) for number in range(OLD + NEW)])
            connection.execute(text("ANALYZE"))
        yield database
        database.close()


@pytest.mark.parametrize("before", [None, 700])
@pytest.mark.parametrize(("owner", "status"), QUESTIONS)
def test_no_page_passes_over_what_it_does_not_show(
    filled: Database, owner: str | None, status: str | None, before: int | None
) -> None:
    with filled.read() as connection:
        dialect = connection.dialect.name
        query = reading._newest(dialect, owner=owner, status=status, before=before, limit=51)
        explain = "EXPLAIN (ANALYZE, TIMING OFF)" if dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        words = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(" ".join(map(str, row)) for row in connection.exec_driver_sql(f"{explain} {words}"))
    name = "_and_".join(name for name, value in (("status", status), ("owner", owner)) if value)
    if owner and status and dialect == "postgresql":
        return  # of so few rows it rather sorts some; `bench/million_jobs.py` has enough
    if name:
        assert f"jobs_by_{name} " in plan, plan
    for wasted in ("Filter", "Sort", "Seq Scan", "TEMP B-TREE"):
        assert wasted not in plan, plan


@pytest.mark.parametrize(("owner", "status"), QUESTIONS)
def test_pages_one_after_the_other_show_each_job_once_newest_first(
    filled: Database, owner: str | None, status: str | None
) -> None:
    found: list[str] = []
    before = None
    while True:
        with filled.read() as connection:
            statuses = [] if status is None else [status]
            page, before = reading.jobs(
                connection, 1, owner=owner, statuses=statuses, before=before, limit=400
            )
        found += [each["id"] for each in page]
        if before is None:
            break
    jobs = [job(number) for number in reversed(range(OLD + NEW))]
    assert found == [
        each["id"] for each in jobs if owner in (None, each["owner"]) and status in (None, each["status"])
    ]
