"""The database file: opening, transactions, durability."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, insert, select
from sqlalchemy.engine import Engine

from trainstop.server.store import tables

BUSY_SECONDS = 10
"""How long a writer waits for another process that holds the file, say a backup."""


class StoreError(Exception):
    """The store can't be used. The message is one plain sentence for the operator."""


class Database:
    """Transactions on one SQLite file. Callable from any thread; blocks on the disk and on other writers."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises StoreError."""
        _make_private(path)
        self._writer = threading.Lock()
        self._engine = _engine(path)
        try:
            with self.write() as connection:
                self.generation = _prepare(connection)
        except Exception as error:
            self.close()
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"The store {path} can't be opened: {error}.") from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may change things; on disk when the block has ended, undone when it raises."""
        # Writers wait here in turn rather than in SQLite's polling.
        with self._writer, self._engine.connect() as plain:
            connection = plain.execution_options(trainstop_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that sees one moment. Waits for no writer."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS}, pool_size=4, max_overflow=16
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an answered command survives a power cut
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -1024")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("trainstop_begin", "BEGIN"))

    return engine


def _prepare(connection: Connection) -> int:
    """Make the tables of a new file, check the version of an old one; returns the generation."""
    tables.metadata.create_all(connection)
    found = {row.key: row.value for row in connection.execute(select(tables.meta))}
    if not found:
        found = {"schema_version": str(tables.SCHEMA_VERSION), "generation": str(tables.FIRST_GENERATION)}
        connection.execute(insert(tables.meta), [{"key": key, "value": found[key]} for key in found])
    if found["schema_version"] != str(tables.SCHEMA_VERSION):
        raise StoreError(
            f"The store was written by another version of Trainstop (schema {found['schema_version']}, "
            f"this is {tables.SCHEMA_VERSION}): use that version, or another data directory."
        )
    return int(found["generation"])


def _make_private(path: Path) -> None:
    """SQLite gives its side files the mode of the main one, so that one must exist with ours."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"The store {path} can't be opened: {error.strerror}.") from error
