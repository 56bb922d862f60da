"""What opening a store makes of it: a new one, an old one, one from the future."""

from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from trainstop.protocol.job import Job
from trainstop.server.conftest import postgres
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervision_view import Launching
from trainstop.server.store import schema, tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.sqlite import sqlite_engine
from trainstop.server.store.store_error import StoreError

VERSION_1 = Path(__file__).parent / "schema_1.sql"
"""A store of before there were migrations, with a job that was cancelled, one paused, one that is being
paused and one that waits."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "trainstop.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.executescript(VERSION_1.read_text())
    return path


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as store:
        return store.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall()


def schema_of(path: Path) -> set[str]:
    """Every table and index, in words that differ only where they do."""
    wanted = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'"
    with closing(sqlite3.connect(path)) as store:
        statements = [row[0] for row in store.execute(wanted)]
    return {re.sub(r"\s+", " ", statement).strip() for statement in statements}


def differences(database: Database) -> list[object]:
    with database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata))


def test_the_steps_lead_to_the_tables_that_the_server_works_with(store_place: Path | PostgresUrl) -> None:
    database = Database(store_place)
    assert differences(database) == []
    database.close()


def test_every_step_is_known_and_no_other() -> None:
    steps = ScriptDirectory(str(Path(__file__).parent / "migrations")).walk_revisions()
    assert tuple(step.revision for step in reversed(list(steps))) == schema.REVISIONS


def test_the_first_step_makes_what_the_first_version_made(tmp_path: Path, old: Path) -> None:
    engine = sqlite_engine(tmp_path / "first.db")
    with engine.connect() as connection, connection.begin():
        schema.migrate(connection, "0001")
    engine.dispose()
    assert schema_of(tmp_path / "first.db") == schema_of(old)


def test_an_old_store_keeps_all_it_has_and_a_copy_of_itself(old: Path) -> None:
    new = (tables.servers, tables.removals)
    names = [table.name for table in tables.metadata.sorted_tables if table not in new]
    before = {name: rows(old, name) for name in names}
    database = Database(old)
    assert differences(database) == []
    assert database.generation == 1
    copy = old.with_name("trainstop.db.before-0002")
    assert {name: rows(copy, name) for name in names} == before
    assert copy.stat().st_mode & 0o777 == 0o600
    for name in names:
        kept = [row[: len(before[name][0])] for row in rows(old, name)] if before[name] else []
        if name != "meta":
            assert kept == before[name]
    jobs = Jobs(database, Launching(old.parent, {}, 0), {})
    found, _ = jobs.newest(None, [], None, 10)
    assert [job["status"] for job in found] == ["pending", "pausing", "paused", "cancelled"]
    for job in found:
        Job.model_validate(job)
        events = jobs.events_after(job["id"], None, 0, 1000).events
        assert [event["seq"] for event in events] == list(range(1, job["seq"] + 1))
    assert jobs.metrics(found[1]["id"], "ada")[1]["values"] == {"loss": [0.5], "lr": ["NaN"]}
    database.close()
    copy.unlink()
    Database(old).close()
    assert not copy.exists(), "it was up to date"


def test_one_that_opens_it_meanwhile_with_the_old_version_is_refused_by_that(old: Path) -> None:
    Database(old).close()
    assert ("schema_version", "2") in rows(old, "meta")


def spoil(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.execute(text(statement))
    database.close()


def test_a_store_from_the_future_is_refused_and_not_touched(store_place: Path | PostgresUrl) -> None:
    spoil(Database(store_place), "UPDATE alembic_version SET version_num = '9999'")
    content = store_place.read_bytes() if isinstance(store_place, Path) else b""
    with pytest.raises(StoreError, match=r"another version of Trainstop \(revision 9999; this one knows"):
        Database(store_place)
    if isinstance(store_place, Path):
        assert store_place.read_bytes() == content


def test_so_is_one_without_steps_of_a_version_that_nobody_knows(old: Path) -> None:
    with closing(sqlite3.connect(old)) as store:
        store.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        store.commit()
    content = old.read_bytes()
    with pytest.raises(StoreError, match=r"\(schema 99; this one knows"):
        Database(old)
    assert old.read_bytes() == content


def test_a_step_that_fails_leaves_the_store_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as store:
        store.execute("CREATE TABLE servers (in_the_way TEXT)")
        store.commit()
    before = schema_of(old)
    with pytest.raises(StoreError, match="can't be opened"):
        Database(old)
    assert schema_of(old) == before
    assert ("schema_version", "1") in rows(old, "meta")
    with closing(sqlite3.connect(old)) as store:
        store.execute("DROP TABLE servers")
        store.commit()
    Database(old).close()


def test_servers_that_start_together_make_the_tables_once() -> None:
    url = PostgresUrl(postgres().new_database())
    opened: list[Database] = []
    together = threading.Barrier(4)

    def open_it() -> None:
        together.wait(60)
        opened.append(Database(url))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [database.generation for database in opened] == [1, 1, 1, 1]
    with opened[0].read() as connection:
        assert connection.execute(select(tables.meta.c.key)).scalars().all().count("generation") == 1
    for database in opened:
        database.close()
