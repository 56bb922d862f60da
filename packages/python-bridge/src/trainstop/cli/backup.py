"""`trainstop backup`"""

from __future__ import annotations

import argparse
from pathlib import Path

from trainstop.cli.command import Command
from trainstop.cli.plain_error import PlainError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to make")
    parser.add_argument(
        "--data", type=Path, default=Path(".trainstop"), metavar="DIR", help="the server's data directory"
    )


def _run(options: argparse.Namespace) -> int:
    from trainstop.server.backup.backup_error import BackupError
    from trainstop.server.backup.taking import back_up

    try:
        back_up(options.data, options.out)
    except BackupError as error:
        raise PlainError(str(error)) from None
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


BACKUP = Command(
    "backup",
    "copy the server's store while it works",
    "Copy the store of a data directory to a file, also while a server works in it.",
    _add_arguments,
    _run,
)
