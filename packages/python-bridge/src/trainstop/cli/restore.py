"""`trainstop restore`"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from trainstop.cli.command import Command
from trainstop.cli.plain_error import MISUSED, PlainError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", type=Path, nargs="?", metavar="BACKUP", help="made by `trainstop backup`")
    parser.add_argument(
        "--data", type=Path, default=Path(".trainstop"), metavar="DIR", help="the server's data directory"
    )
    parser.add_argument(
        "--raise-generation",
        action="store_true",
        help="after a PostgreSQL store was put back by pg_restore, instead of a BACKUP",
    )
    parser.add_argument("--config", type=Path, metavar="F", help="says where that PostgreSQL is")


def _run(options: argparse.Namespace) -> int:
    from trainstop.server.backup.backup_error import BackupError
    from trainstop.server.backup.restoring import restore

    if options.raise_generation == (options.backup is not None):
        raise PlainError("Name a BACKUP, or --raise-generation; one of the two.", MISUSED)
    if options.raise_generation:
        return _raise_generation(options)
    try:
        done = restore(options.backup, options.data)
    except BackupError as error:
        raise PlainError(str(error)) from None
    print(f"Restored as generation {done.generation}; start the server.")
    if done.kept is not None:
        print(f"What was there before: {done.kept}")
    for job_id in done.found.jobs:
        print(f"{job_id}: started after the backup; taken in from its run directory, without an owner")
    for job_id in done.found.attempts:
        print(f"{job_id}: its newest attempt is later than the backup; taken in from its run directory")
    if done.found.checkpoints:
        print(f"Checkpoints that are gone since: {done.found.checkpoints}")
    return 0


def _raise_generation(options: argparse.Namespace) -> int:
    from trainstop.server.backup.restoring import raise_generation
    from trainstop.server.configuration.configuration import Configuration, read_configuration
    from trainstop.server.configuration.configuration_error import ConfigurationError
    from trainstop.server.store.database import Database, StoreError
    from trainstop.server.store_place import store_place

    try:
        configuration = Configuration() if options.config is None else read_configuration(options.config)
        place = store_place(configuration.store, os.environ, options.data)
        if isinstance(place, Path) and not place.exists():
            raise PlainError(f"There is no store at {place}; name its configuration with --config.")
        database = Database(place)
    except (ConfigurationError, StoreError) as error:
        raise PlainError(str(error)) from None
    try:
        print(f"Generation {raise_generation(database)}; start the servers.")
    finally:
        database.close()
    return 0


RESTORE = Command(
    "restore",
    "start again from a backup",
    "Put a backup in the place of the store; no server may be running. Runs that went on meanwhile are found "
    "again by their run directories.",
    _add_arguments,
    _run,
)
