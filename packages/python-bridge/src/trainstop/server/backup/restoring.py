"""Starting again from a backup: what happened since is found again where it lies on the disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import update

from trainstop.rundir.atomic_file import fsync_directory
from trainstop.server.backup.backup_error import BackupError
from trainstop.server.backup.reconciling import Found, reconcile
from trainstop.server.backup.taking import checked
from trainstop.server.data_directory import DataDirectoryInUseError, claim, server_id
from trainstop.server.store import tables
from trainstop.server.store.database import Database
from trainstop.server.store.postgres_url import PostgresUrl
from trainstop.server.store.store_error import StoreError
from trainstop.server.store_place import DATABASE_NAME


@dataclass(frozen=True, slots=True)
class Restored:
    generation: int
    kept: Path | None
    """The store that was there."""
    found: Found


def restore(backup: Path, data_dir: Path) -> Restored:
    """Put a backup in the place of the store. No server may work there; the next one goes on from it.

    The generation is raised above both, so that no client goes on from what it knew. Raises BackupError.
    """
    checked(backup)
    fresh = data_dir / f".{DATABASE_NAME}.restoring"
    store = data_dir / DATABASE_NAME
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = claim(data_dir)
        try:
            _discard(fresh)
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            shutil.copyfile(backup, fresh)
            generation, found = _prepared(fresh, data_dir, _generation_of(store))
            kept = _set_aside(store)
            fresh.rename(store)
            fsync_directory(data_dir)
        finally:
            _discard(fresh)
            os.close(lock)
    except (OSError, sqlite3.Error, StoreError, DataDirectoryInUseError) as error:
        raise BackupError(f"{backup} can't be restored: {str(error).rstrip('.')}.") from error
    return Restored(generation, kept, found)


def go_on_from(place: Path | PostgresUrl, data_dir: Path) -> Restored:
    """After the store was put back by its own means (pg_restore). No server may work in the data directory.

    Raises BackupError.
    """
    try:
        lock = claim(data_dir) if data_dir.is_dir() else None
        try:
            database = Database(place)
            try:
                found = Found() if lock is None else reconcile(database, data_dir, server_id(data_dir))
                return Restored(raise_generation(database), None, found)
            finally:
                database.close()
        finally:
            if lock is not None:
                os.close(lock)
    except (OSError, StoreError, DataDirectoryInUseError) as error:
        raise BackupError(f"The store can't be gone on from: {str(error).rstrip('.')}.") from error


def raise_generation(database: Database, above: int = 0) -> int:
    """The new one."""
    generation = max(database.generation, above) + 1
    meta = tables.meta
    with database.write() as connection:
        named = update(meta).where(meta.c.key == "generation")
        connection.execute(named.values(value=str(generation)))
    return generation


def _prepared(fresh: Path, data_dir: Path, above: int) -> tuple[int, Found]:
    database = Database(fresh)  # an older backup is brought up to date
    try:
        found = reconcile(database, data_dir, server_id(data_dir))
        generation = raise_generation(database, above)
    finally:
        database.close()
    with closing(sqlite3.connect(fresh, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode = DELETE")  # all in the one file, which is about to be renamed
    return generation, found


def _generation_of(store: Path) -> int:
    """Of the store that is there; 0 when there is none, or none that can be read."""
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()[0])
    except (sqlite3.Error, TypeError, ValueError):
        return 0


def _set_aside(store: Path) -> Path | None:
    if not store.exists():
        _discard(store)
        return None
    number = 1
    while (kept := store.with_name(f"{store.name}.before-restore-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # the file itself last: until then the old store is found whole
        part = store.with_name(store.name + suffix)
        if part.exists():
            shutil.copy2(part, kept.with_name(kept.name + suffix))
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    return kept


def _discard(store: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
