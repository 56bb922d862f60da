"""Deleting below a job's directory, and nowhere else: a script may have put links in any place."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

REMOVING = ".removing-"
LONGEST_REMOVAL_SECONDS = 60.0
"""A tree with more in it is gone on with at the next look, after everybody else's turn."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAMES_AT_ONCE = 1000


@contextlib.contextmanager
def opened(data_dir: Path, *names: str) -> Iterator[int | None]:
    """A directory below the data directory, reached without following any link; None where there is none."""
    descriptors = [os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for name in names:
            _check(name)
            below = _open(name, descriptors[-1])
            if below is None:
                yield None
                return
            descriptors.append(below)
        yield descriptors[-1]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def remove(data_dir: Path, *names: str) -> bool:
    """The directory, with all that is in it; links in it go, what they lead to stays. Whether it was there.

    Out of sight by one rename first, so that a killed removal is never taken for a damaged directory.
    Raises OSError.
    """
    *parents, name = names
    _check(name)
    with opened(data_dir, *parents) as parent:
        if parent is None:
            return False
        hidden = name if name.startswith(REMOVING) else f"{REMOVING}{name}"
        if hidden != name:
            _remove_tree(hidden, parent)  # of a removal that was killed
            try:
                os.rename(name, hidden, src_dir_fd=parent, dst_dir_fd=parent)
            except FileNotFoundError:
                return False
            os.fsync(parent)
        _remove_tree(hidden, parent)
    return True


def names_in(data_dir: Path, *names: str) -> list[str]:
    """Those that `remove` takes; a script can make others, which go with the whole."""
    with opened(data_dir, *names) as directory:
        found = [] if directory is None else os.listdir(directory)  # noqa: PTH208
    return sorted(name for name in found if _is_name(name))


def size_of(data_dir: Path, *names: str) -> int:
    """Bytes on the disk of all files below; links are not followed."""
    with opened(data_dir, *names) as directory:
        return 0 if directory is None else _size(directory)


def _size(top: int) -> int:
    """Not by recursion: a script can nest directories without end. What lies deeper than a path can name is
    not counted."""
    total = 0
    pending = ["."]
    while pending:
        below = pending.pop()
        with contextlib.suppress(OSError):
            directory = os.open(below, os.O_RDONLY | _DIRECTORY, dir_fd=top)
            try:
                with os.scandir(directory) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(f"{below}/{entry.name}")
                        else:
                            total += entry.stat(follow_symlinks=False).st_blocks * 512
            finally:
                os.close(directory)
    return total


def _remove_tree(name: str, parent: int) -> None:
    """What lies deeper is lifted to the top first: no recursion and few open files, however deep it is."""
    top = _open(name, parent)
    if top is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=parent)
        return
    ends = time.monotonic() + LONGEST_REMOVAL_SECONDS
    try:
        while entries := _some_of(top):
            for entry, is_directory in entries:
                if is_directory:
                    _lift(entry, top, ends)
                else:
                    os.unlink(entry, dir_fd=top)
            _in_time(ends)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)


def _lift(name: str, top: int, ends: float) -> None:
    """Remove a directory; those in it come to stand beside it."""
    directory = _open(name, top)
    if directory is None:
        return
    try:
        while entries := _some_of(directory):
            for entry, is_directory in entries:
                if not is_directory:
                    os.unlink(entry, dir_fd=directory)
                    continue
                below = _open(entry, directory)  # one that its owner may not write to can't be moved
                if below is not None:
                    os.close(below)
                    os.rename(entry, os.urandom(16).hex(), src_dir_fd=directory, dst_dir_fd=top)
            _in_time(ends)
    finally:
        os.close(directory)
    os.rmdir(name, dir_fd=top)


def _some_of(directory: int) -> list[tuple[str, bool]]:
    """Names, and whether each is a directory."""
    with os.scandir(directory) as entries:
        return [
            (entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, _NAMES_AT_ONCE)
        ]


def _in_time(ends: float) -> None:
    if time.monotonic() > ends:
        raise TimeoutError(errno.ETIMEDOUT, "there is more to remove than goes at once")


def _open(name: str, parent: int) -> int | None:
    """A directory that can be read and written, also where a script took its own right to; None where there
    is none, or something else."""
    try:
        place = os.open(name, os.O_PATH | _DIRECTORY, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link
            return None
        raise
    try:
        mode = os.fstat(place).st_mode
        if mode & 0o700 != 0o700:
            os.chmod(f"/proc/self/fd/{place}", 0o700)  # noqa: PTH101 - the very one that was looked at
        return os.open(".", os.O_RDONLY | _DIRECTORY, dir_fd=place)
    finally:
        os.close(place)


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in (".", "..")


def _check(name: str) -> None:
    if not _is_name(name):
        raise ValueError(f"{name!r:.80} is no name below a job's directory")
