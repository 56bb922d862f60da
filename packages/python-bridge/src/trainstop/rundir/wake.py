"""Wake files: FIFOs that carry no data, only "look again".

A FIFO rather than a socket: no limit on the length of the path, file permissions apply, works on every POSIX
system. A lost poke costs time, never truth: every listener also looks by itself once a while.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class WakeFile:
    """The listening end. `fileno` becomes readable when somebody poked."""

    def __init__(self, path: Path) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # Read and write: with a writer of our own the FIFO never reports end of file.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._descriptor

    def drain(self) -> None:
        """Forget the pokes so far. Call it before looking, never after, or a poke in between is lost."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._descriptor, 4096):
                pass

    def close(self) -> None:
        os.close(self._descriptor)


def poke(path: Path) -> bool:
    """Wake whoever listens at `path`. Never blocks, never raises; False when nobody listens."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(descriptor, b"!")
    except BlockingIOError:
        pass  # full: the listener has been poked often enough
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
