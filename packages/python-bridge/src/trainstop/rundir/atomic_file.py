"""Replace a file so that a reader sees the old one or the new one."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

TYPE_CHECKING = False  # spares the import of typing where every millisecond and kilobyte counts
if TYPE_CHECKING:
    from typing import Any


LARGEST_BYTES = 1 << 20
"""Of a file that is read whole, unless its reader says otherwise."""


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Write `data` beside `path` and rename it over it.

    `durable`: after a power cut, too, a reader sees the old one or the new one (fsync before the rename, and
    of the directory after it); blocks on the disk. Without, a power cut may leave neither whole.
    """
    # A run directory is the script's too: a name that it can't guess, and nothing that lay there is opened.
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if durable:
            os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
        raise
    os.close(descriptor)
    try:
        temporary.rename(path)
    except IsADirectoryError:  # put there so that the file can't be
        path.rename(temporary.with_name(f"{temporary.name}.aside"))
        temporary.rename(path)
    if durable:
        fsync_directory(path.parent)


def fsync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json_atomically(path: Path, value: Any, *, mode: int = 0o600, durable: bool = True) -> None:
    write_atomically(path, json.dumps(value, separators=(",", ":")).encode(), mode=mode, durable=durable)


def read_json(path: Path, *, largest: int = LARGEST_BYTES) -> Any | None:
    """The file's value, or None when there is no such file. What is broken, larger than `largest` bytes, or
    no plain file raises ValueError: a script can put anything in its place, and no FIFO or device must hang
    or fill whoever reads."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path} is no plain file")
        data = bytearray()
        while len(data) <= largest and (piece := os.read(descriptor, min(1 << 16, largest + 1 - len(data)))):
            data += piece
    finally:
        os.close(descriptor)
    if len(data) > largest:
        raise ValueError(f"{path} is larger than {largest} bytes")
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply") from None
