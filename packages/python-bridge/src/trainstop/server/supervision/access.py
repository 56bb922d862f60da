"""A run directory is its script's too, which may have taken the server's own right to it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from trainstop.rundir.layout import RunDir


def restore_access(run: RunDir) -> bool:
    """Give the owner of the run directory, and of the files in it, the right to them again. Whether that
    changed anything. Links are not followed. Raises OSError for what is somebody else's."""
    changed = False
    for directory in (run.path.parent.parent, run.path.parent, run.path):
        changed |= _allow(directory)
    for name in os.listdir(run.path):  # noqa: PTH208 - names only
        changed |= _allow(run.path / name)
    return changed


def _allow(path: Path) -> bool:
    try:
        place = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        mode = os.fstat(place).st_mode
        wanted = 0o700 if stat.S_ISDIR(mode) else 0o600 if stat.S_ISREG(mode) else 0
        if mode & wanted == wanted:
            return False
        os.chmod(f"/proc/self/fd/{place}", stat.S_IMODE(mode) | wanted)  # noqa: PTH101 - the one just seen
        return True
    finally:
        os.close(place)
