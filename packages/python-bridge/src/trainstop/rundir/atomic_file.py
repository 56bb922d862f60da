"""Replace a file so that a reader sees the old one or the new one."""

from __future__ import annotations

import json
import os
from pathlib import Path

TYPE_CHECKING = False  # spares the import of typing where every millisecond and kilobyte counts
if TYPE_CHECKING:
    from typing import Any


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Write `data` beside `path` and rename it over it.

    `durable`: after a power cut, too, a reader sees the old one or the new one (fsync before the rename, and
    of the directory after it); blocks on the disk. Without, a power cut may leave neither whole.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
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


def read_json(path: Path) -> Any | None:
    """The file's value, or None when there is no such file. A broken file raises ValueError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return json.loads(data)
