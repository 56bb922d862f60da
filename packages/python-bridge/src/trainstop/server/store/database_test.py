from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from trainstop.server.store import tables
from trainstop.server.store.database import Database, StoreError
from trainstop.server.store.postgres_url import PostgresUrl


def count(connection: Connection) -> int:
    row = select(tables.meta.c.value).where(tables.meta.c.key == "count")
    return int(connection.execute(row).scalar_one())


def open_with_count(where: Path | PostgresUrl) -> Database:
    database = Database(where)
    with database.write() as connection:
        connection.execute(insert(tables.meta).values(key="count", value="0"))
    return database


def as_text(where: Path | PostgresUrl) -> str:
    if isinstance(where, Path):
        return str(where)
    return where.reveal().set(drivername="postgresql").render_as_string(hide_password=False)


def raise_count(connection: Connection) -> None:
    row = select(tables.meta).where(tables.meta.c.key == "count")
    connection.execute(row.with_for_update())
    value = str(count(connection) + 1)
    connection.execute(update(tables.meta).where(tables.meta.c.key == "count").values(value=value))


def test_a_write_that_fails_leaves_nothing_behind(store_place: Path | PostgresUrl) -> None:
    database = open_with_count(store_place)
    with pytest.raises(RuntimeError), database.write() as connection:
        raise_count(connection)
        raise RuntimeError
    with database.read() as connection:
        assert count(connection) == 0
    database.close()


def test_writers_of_many_threads_and_processes_never_lose_one_anothers_work(
    store_place: Path | PostgresUrl,
) -> None:
    mine, others = open_with_count(store_place), Database(store_place)

    def work(database: Database) -> None:
        for _ in range(10):
            with database.write() as connection:
                raise_count(connection)

    threads = [threading.Thread(target=work, args=(each,)) for each in (mine, others, mine, others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with mine.read() as connection:
        assert count(connection) == 40
    mine.close()
    others.close()


def test_a_reader_sees_one_moment_and_waits_for_no_writer(store_place: Path | PostgresUrl) -> None:
    database = open_with_count(store_place)
    with database.read() as reader:
        assert count(reader) == 0
        with database.write() as writer:
            raise_count(writer)
        assert count(reader) == 0
    with database.read() as reader:
        assert count(reader) == 1
    database.close()


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    database = open_with_count(tmp_path / "store.db")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes) == {"store.db", "store.db-wal", "store.db-shm"}
    assert set(modes.values()) == {0o600}
    database.close()


def test_commits_are_on_disk_and_references_are_kept(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.db")
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
    event = {"job_id": "job_0", "seq": 1, "at": "", "type": "job", "data": {}}
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(insert(tables.events).values(event))
    database.close()


def test_the_generation_survives_and_begins_at_1(store_place: Path | PostgresUrl) -> None:
    for _ in range(2):
        database = Database(store_place)
        assert database.generation == 1
        database.close()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be looked at" * 30])
def test_a_file_that_is_no_store_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="can't be opened"):
        Database(path)
    assert path.read_bytes() == content
    with pytest.raises(StoreError, match="can't be opened"):
        Database(tmp_path / "missing" / "store.db")


WRITER = """
import sys
from pathlib import Path
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.database_test import raise_count, count
database = Database(Path(sys.argv[1]) if sys.argv[1].startswith("/") else PostgresUrl(sys.argv[1]))
while True:
    with database.write() as connection:
        raise_count(connection)
        value = count(connection)
    print(value, flush=True)
"""


def test_what_was_answered_is_there_after_a_kill(store_place: Path | PostgresUrl) -> None:
    open_with_count(store_place).close()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, as_text(store_place)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        answered = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        answered += [int(line) for line in writer.stdout if line.endswith("\n")]
    database = Database(store_place)
    with database.read() as connection:
        assert answered[-1] <= count(connection) <= answered[-1] + 1
    database.close()
