"""Deleting below a job's directory, and nowhere else: a script may have put links in any place."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

REMOVING = ".removing-"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def opened(data_dir: Path, *names: str) -> Iterator[int | None]:
    """A directory below the data directory, reached without following any link; None where there is none."""
    descriptors = [os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for name in names:
            _check(name)
            try:
                descriptors.append(os.open(name, _DIRECTORY, dir_fd=descriptors[-1]))
            except (FileNotFoundError, NotADirectoryError):
                yield None
                return
            except OSError as error:
                if error.errno == 40:  # ELOOP: a link
                    yield None
                    return
                raise
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
    with opened(data_dir, *names) as directory:
        return [] if directory is None else sorted(os.listdir(directory))  # noqa: PTH208


def size_of(data_dir: Path, *names: str) -> int:
    """Bytes on the disk of all files below; links are not followed."""
    with opened(data_dir, *names) as directory:
        return 0 if directory is None else _size(directory)


def _size(directory: int) -> int:
    total = 0
    for path, _, files, below in os.fwalk(".", dir_fd=directory, follow_symlinks=False):
        del path
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.stat(name, dir_fd=below, follow_symlinks=False).st_blocks * 512
    return total


def _remove_tree(name: str, parent: int) -> None:
    try:
        shutil.rmtree(name, dir_fd=parent)
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        os.unlink(name, dir_fd=parent)
    except OSError:
        # rmtree refuses a link, which goes by itself.
        if not os.path.islink(f"/proc/self/fd/{parent}/{name}"):  # noqa: PTH114
            raise
        os.unlink(name, dir_fd=parent)


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise ValueError(f"{name!r:.80} is no name below a job's directory")
