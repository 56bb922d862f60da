"""A real PostgreSQL beside SQLite: what is true of the store must be true of both."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.testing.own_directory import in_memory
from trainstop.server.testing.pgbouncer import PooledPostgres
from trainstop.server.testing.postgres import Postgres

STORES = ("sqlite", "postgresql")


def new_postgres() -> Postgres:
    """One that a test may stop; reached through a PgBouncer where the whole run is to be."""
    return PooledPostgres() if os.environ.get("TRAINSTOP_TESTS_THROUGH_PGBOUNCER") else Postgres()


@functools.cache
def postgres() -> Postgres:
    """One for all tests of this process."""
    made = new_postgres()
    atexit.register(made.remove)
    return made


@functools.cache
def postgres_store() -> tuple[str, Database]:
    """(URL, store) for tests that follow each other and each want it empty: see `emptied`."""
    url = postgres().new_database()
    database = Database(PostgresUrl(url))
    atexit.register(database.close)
    return url, database


def emptied(database: Database) -> Database:
    """The same, with nothing in it but what a new one has."""
    with database.write() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table is not tables.meta:
                connection.execute(table.delete())
    return database


@contextlib.contextmanager
def open_store(kind: str, directory: Path) -> Iterator[Database]:
    """An empty store of a kind; its file lies in the directory."""
    if kind == "postgresql":
        yield emptied(postgres_store()[1])
        return
    database = Database(directory / "trainstop.db")
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory whose writes cost nothing."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as directory:
        yield Path(directory)


@pytest.fixture(params=STORES)
def store_kind(request: pytest.FixtureRequest) -> str:
    """Runs the test over every store."""
    return str(request.param)


@pytest.fixture
def store(store_kind: str, memory: Path) -> Iterator[Database]:
    """An empty store of each kind."""
    with open_store(store_kind, memory) as database:
        yield database


@pytest.fixture
def store_place(store_kind: str, tmp_path: Path) -> Path | PostgresUrl:
    """Where a store of each kind can be made, opened by several, and made again."""
    if store_kind == "postgresql":
        return PostgresUrl(postgres().new_database())
    return tmp_path / "trainstop.db"
