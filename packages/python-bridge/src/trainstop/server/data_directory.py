"""One server works in a data directory: two would record everything twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class DataDirectoryInUseError(Exception):
    """The message says which directory, and what to do."""


def claim(data_dir: Path) -> int:
    """A lock on the directory, held until it is closed or the process ends, however that ends.

    Raises DataDirectoryInUseError when another server has it, OSError when the directory can't be written.
    """
    lock = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataDirectoryInUseError(
            f"Another Trainstop server works in {data_dir}. "
            "Stop it first, or name another directory with --data."
        ) from None
    return lock
