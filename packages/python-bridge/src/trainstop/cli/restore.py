"""`trainstop restore`"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from trainstop.cli.command import Command
from trainstop.cli.plain_error import MISUSED, PlainError

if TYPE_CHECKING:
    from trainstop.server.store.postgres_url import PostgresUrl


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", type=Path, nargs="?", metavar="BACKUP", help="made by `trainstop backup`")
    parser.add_argument(
        "--data", type=Path, default=Path(".trainstop"), metavar="DIR", help="the server's data directory"
    )
    parser.add_argument(
        "--raise-generation",
        action="store_true",
        help="instead of a BACKUP, after a PostgreSQL store was put back by pg_restore; on each machine",
    )
    parser.add_argument("--config", type=Path, metavar="F", help="says where that PostgreSQL is")


def _run(options: argparse.Namespace) -> int:
    from trainstop.server.backup.backup_error import BackupError
    from trainstop.server.backup.restoring import go_on_from, restore

    if options.raise_generation == (options.backup is not None):
        raise PlainError("Name a BACKUP, or --raise-generation; one of the two.", MISUSED)
    try:
        if options.raise_generation:
            done = go_on_from(_place_of_store(options), options.data)
        else:
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


def _place_of_store(options: argparse.Namespace) -> Path | PostgresUrl:
    from trainstop.server.configuration.configuration import Configuration, read_configuration
    from trainstop.server.configuration.configuration_error import ConfigurationError
    from trainstop.server.store.store_error import StoreError
    from trainstop.server.store_place import store_place

    try:
        configuration = Configuration() if options.config is None else read_configuration(options.config)
        place = store_place(configuration.store, os.environ, options.data)
    except (ConfigurationError, StoreError) as error:
        raise PlainError(str(error)) from None
    if isinstance(place, Path) and not place.exists():
        raise PlainError(f"There is no store at {place}; name its configuration with --config.")
    return place


RESTORE = Command(
    "restore",
    "start again from a backup",
    "Put a backup in the place of the store; no server may be running. Runs that went on meanwhile are found "
    "again by their run directories.",
    _add_arguments,
    _run,
)
