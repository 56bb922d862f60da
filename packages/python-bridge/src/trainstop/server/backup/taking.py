"""A backup is one SQLite file: the store as it was at one moment."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from trainstop.rundir.atomic_file import fsync_directory
from trainstop.server.backup.backup_error import BackupError
from trainstop.server.store_place import DATABASE_NAME


def back_up(data_dir: Path, out: Path) -> int:
    """Copy the store to `out`, for its owner alone; returns its generation.

    A server may work in it meanwhile and waits for nothing. `out` is there whole or not at all. Raises
    BackupError.
    """
    store = data_dir / DATABASE_NAME
    if not store.is_file():
        raise BackupError(
            f"There is no store at {store}; name the data directory with --data. A store in PostgreSQL is "
            "backed up with pg_dump."
        )
    if out.exists():
        raise BackupError(f"{out} is there already; name another file.")
    if not out.parent.is_dir():
        raise BackupError(
            f"There is no directory {out.parent} for the backup; make it, or name another file."
        )
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with (
            closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(unfinished, isolation_level=None)) as copy,
        ):
            # In one step: it reads one moment's state, and no writer makes it begin again.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        generation = checked(unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(out)
        fsync_directory(out.resolve().parent)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise BackupError(f"The backup {out} can't be made: {error}.") from error
    return generation


def checked(backup: Path) -> int:
    """The generation of a backup in which every page and every reference is whole. Raises BackupError."""
    if not backup.is_file():
        raise BackupError(f"There is no file {backup}; name a backup that `trainstop backup` made.")
    try:
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as store:
            problem = store.execute("PRAGMA integrity_check").fetchone()[0]
            if problem == "ok" and store.execute("PRAGMA foreign_key_check").fetchone() is not None:
                problem = "rows refer to others that are not there"
            if problem != "ok":
                raise BackupError(f"{backup} is damaged: {problem}.")
            row = store.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
            return int(row[0])
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise BackupError(f"{backup} is no backup of a Trainstop store: {error}.") from error
