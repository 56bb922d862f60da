"""Where the operator's socket of a data directory is. For both sides of it; standard library only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "operator.sock"
LONGEST_ADDRESS = 107
"""Bytes of a path that a Unix socket's address holds."""


class OperatorSocketError(Exception):
    """There can be no such socket. One plain sentence."""


@contextmanager
def socket_address(data_dir: Path) -> Iterator[str]:
    """The socket's path, for as long as the block lasts: a long one goes through /proc/self/fd.

    Raises OperatorSocketError, and OSError for a directory that can't be opened.
    """
    path = str(data_dir.resolve() / NAME)
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield path
        return
    if not Path("/proc/self/fd").is_dir():
        raise OperatorSocketError(
            f"The path {path} is too long for a Unix socket ({LONGEST_ADDRESS} bytes at most), and there "
            "is no /proc to shorten it; choose a shorter data directory."
        )
    directory = os.open(data_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)
