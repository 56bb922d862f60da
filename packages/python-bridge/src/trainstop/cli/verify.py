"""`trainstop verify`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trainstop.cli.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directories",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="a checkpoint, or a directory of checkpoints",
    )


def _run(options: argparse.Namespace) -> int:
    for directory in options.directories:
        if not directory.is_dir():
            print(f"trainstop: {directory} is no directory; name a checkpoint's.", file=sys.stderr)
            return 2
    good = [_is_good(directory) for directory in options.directories]
    return 0 if all(good) else 1


def _is_good(directory: Path) -> bool:
    from trainstop.checkpoints.manifest import MANIFEST_NAME
    from trainstop.checkpoints.verification import verify

    # Saves and removals under way begin with a dot; everything else claims to be a checkpoint.
    below = sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    if (directory / MANIFEST_NAME).exists():
        below = [directory]
    elif not any((path / MANIFEST_NAME).exists() for path in below):
        print(f"{directory}: no checkpoint is here: neither it nor a directory in it has a {MANIFEST_NAME}")
        return False
    good = True
    for path in below:
        verification = verify(path)
        good = good and verification.ok
        if verification.ok and verification.manifest is not None:
            count = len(verification.manifest["files"])
            files = "1 file" if count == 1 else f"{count} files"
            print(f"{path}: good, {files}, saved at step {verification.manifest['step']}")
        for problem in verification.problems:
            print(f"{path}: {problem}")
    return good


VERIFY = Command(
    "verify",
    "check a checkpoint against its manifest",
    "Check that every file of a checkpoint is there, whole and unchanged. Loads nothing.",
    _add_arguments,
    _run,
)
