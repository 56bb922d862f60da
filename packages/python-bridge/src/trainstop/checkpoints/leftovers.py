"""What killed saves and removals leave behind, and clearing it away."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

SAVING = ".saving-"
REMOVING = ".removing-"


def clean_leftovers(checkpoints: Path) -> None:
    """Remove hidden directories that no living process is writing. Raises nothing.

    What can't be removed, or on a file system without locks can't be told from a living save, is left alone.
    """
    try:
        paths = list(checkpoints.iterdir())
    except OSError:
        return
    for path in paths:
        if path.name.startswith(REMOVING):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(SAVING):
            _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(
            path, ignore_errors=True
        )  # under the lock, so that nobody starts to save here meanwhile
    except OSError:
        pass  # being written
    finally:
        os.close(descriptor)
