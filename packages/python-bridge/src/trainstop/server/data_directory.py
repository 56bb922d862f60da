"""One server works in a data directory: two would record everything twice. The directory says which server
that is, for as long as it exists, whoever runs in it."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import stat
from pathlib import Path

from trainstop.rundir.atomic_file import read_json, write_json_atomically

IDENTITY_NAME = "server.json"
_ID = re.compile(r"srv_[0-9a-f]{16}")


class DataDirectoryInUseError(Exception):
    """It can't be worked in. The message says which directory, and what to do."""


def claim(data_dir: Path) -> int:
    """A lock on the directory, held until it is closed or the process ends, however that ends.

    Raises DataDirectoryInUseError when another server has it or when others could have put something into it,
    OSError when the directory can't be written.
    """
    _refuse_others(data_dir)
    lock = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataDirectoryInUseError(
            f"Another Trainstop server works in {data_dir}. "
            "Stop it first, or name another directory with --data."
        ) from None
    return lock


def _refuse_others(data_dir: Path) -> None:
    """Who can put a token that they know into it could give orders to the server's user, say root."""
    status = data_dir.stat()
    if status.st_uid != os.geteuid():
        raise DataDirectoryInUseError(
            f"The data directory {data_dir} belongs to another user (id {status.st_uid}), who could give "
            "this server orders; name one of your own with --data, or run the server as that user."
        )
    if status.st_mode & stat.S_IWOTH:
        raise DataDirectoryInUseError(
            f"Anybody on this machine can put files into the data directory {data_dir}; name another with "
            f"--data, or look what is in it and close it: chmod 700 {data_dir}"
        )


def server_id(data_dir: Path) -> str:
    """Of the server in this directory; made once. In a store that several servers share it says whose a job
    is, so it must outlive every restart and be in no copy of the directory.

    Raises DataDirectoryInUseError when it is damaged, OSError when it can't be read or written.
    """
    path = data_dir / IDENTITY_NAME
    try:
        found = read_json(path)
        if found is not None and _ID.fullmatch(found["id"]):
            return str(found["id"])
    except (ValueError, TypeError, KeyError):
        found = {}
    if found is not None:
        raise DataDirectoryInUseError(
            f"{path} is damaged; write into it the id that this server's jobs have in the store, as in "
            '{"id": "srv_0123456789abcdef"}, or remove it if its store is a file in the same directory.'
        )
    made = f"srv_{secrets.token_hex(8)}"
    write_json_atomically(path, {"id": made, "host": socket.gethostname()})
    return made
