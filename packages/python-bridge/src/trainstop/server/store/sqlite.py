"""The store as a file: one writer at a time, on disk with every commit."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, ExceptionContext

from trainstop.server.store.store_error import StoreError, StoreFullError

BUSY_SECONDS = 10
"""How long a writer waits for another process that holds the file, say a backup."""


def sqlite_engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=4,
        max_overflow=16,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # retention gives pages back
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # an answered command survives a power cut
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -1024")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("trainstop_writes") else "BEGIN")

    @event.listens_for(engine, "handle_error")
    def say_what_helps(context: ExceptionContext) -> None:
        error = context.original_exception
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise StoreFullError(
                f"The disk of the store {path} is full, so nothing was changed; free some, and try again."
            ) from error

    return engine


def make_private(path: Path) -> None:
    """SQLite gives its side files the mode of the main one, so that one must exist with ours."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"The store {path} can't be opened: {error.strerror}.") from error
