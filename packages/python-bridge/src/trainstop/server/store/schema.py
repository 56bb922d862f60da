"""The tables of a store that is being opened: made, brought up to date, or refused."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from trainstop.server.store import tables
from trainstop.server.store.store_error import StoreError

REVISIONS = ("0001", "0002")
"""Every step of `migrations/versions`, the newest last."""
_MIGRATION_LOCK = 7_236_843_105
"""Of PostgreSQL's advisory locks, the one that Trainstop's migrations take."""
_version = Table("alembic_version", MetaData(), Column("version_num", String(32)))

Begin = Callable[[], AbstractContextManager[Connection]]


def prepare(read: Begin, write: Begin, file: Path | None) -> int:
    """Make the tables of a new store, bring an older one up to date; returns the generation.

    All in one transaction, which only one server at a time can be in. `file`: the store, if it is one; what
    it was before a migration stays beside it as `<name>.before-<revision>`. Raises StoreError for a store of
    a newer version, which is not touched.
    """
    with read() as connection:
        found = _revision(connection)
    if found != REVISIONS[-1]:
        if file is not None and found is not None:
            _keep_copy(file, f"{file.name}.before-{REVISIONS[-1]}")
        with write() as connection:
            _migrate(connection)
    with read() as connection:
        generation = select(tables.meta.c.value).where(tables.meta.c.key == "generation")
        return int(connection.execute(generation).scalar_one())


def migrate(connection: Connection, revision: str = "head", *, from_: str | None = None) -> None:
    """Run the steps up to a revision. `from_`: what the store is taken for, when it doesn't say."""
    # Much to import, for something that is rarely needed.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if from_ is not None:
        command.stamp(config, from_)
    command.upgrade(config, revision)


def _migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # One that waits for another's migration waits long, and so may a statement in it.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    found = _revision(connection)
    if found == REVISIONS[-1]:
        return  # another server was first
    migrate(connection, from_=None if found is None else found)


def _revision(connection: Connection) -> str | None:
    """None for an empty store. Raises StoreError for one that this version can't work with."""
    known = inspect(connection)
    if known.has_table("alembic_version"):
        revision: str | None = connection.execute(select(_version.c.version_num)).scalar()
        if revision is not None and revision not in REVISIONS:
            raise _newer(f"revision {revision}", REVISIONS[-1])
        if revision is not None:
            return revision
    if not known.has_table("meta"):
        return None
    # Before there were migrations.
    version = select(tables.meta.c.value).where(tables.meta.c.key == "schema_version")
    found = connection.execute(version).scalar()
    if found != "1":
        raise _newer(f"schema {found}", "1")
    return "0001"


def _newer(found: str, newest: str) -> StoreError:
    return StoreError(
        f"The store was written by another version of Trainstop ({found}; this one knows up to {newest}): "
        "use that version, or another store. Nothing in it was changed."
    )


def _keep_copy(file: Path, name: str) -> None:
    unfinished = file.with_name(f".{name}")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(file)) as store, closing(sqlite3.connect(unfinished)) as copy:
        store.backup(copy)
    unfinished.replace(file.with_name(name))
