"""Keeps a job's output from filling the disk: its oldest bytes are freed, and no offset ever changes.

The file keeps its length; what was in front becomes a hole. So nobody who writes or reads is disturbed, and
nothing is lost but what was to go. Where the file system knows no holes (NFS before 4.2, say), the output is
left to grow, which the shim's log says once.
"""

from __future__ import annotations

import errno
import os
import stat

from trainstop.rundir.atomic_file import write_json_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from trainstop.rundir.layout import RunDir

LINE_BYTES = 1 << 16
"""How far the end of a line is looked for where the output is cut."""
# fallocate(2): FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
_PUNCH = 0x01 | 0x02
_FLAGS = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class LogLimit:
    def __init__(self, run: RunDir, limit: int, complain: Callable[[str], None]) -> None:
        """`limit`: bytes; 0 for none. `complain` gets one sentence when it can't be kept."""
        self._run = run
        self._limit = limit
        self._complain = complain
        self._from = 0
        """The first byte that is kept."""

    def keep(self) -> None:
        """Free what is too much: down to seven eighths of the limit. Cheap while there is nothing to do.

        Raises nothing; what a disk in trouble refuses is tried again with the next call.
        """
        if not self._limit:
            return
        try:
            size = os.stat(self._run.output).st_size  # noqa: PTH116 - every second, for ever
        except OSError:
            return
        try:
            if size < self._from:  # somebody truncated it: what comes now is new
                self._note(0)
            if size - self._from > self._limit:
                self._cut(size - self._limit * 7 // 8)
        except OSError as error:
            self._complain(f"{self._run.output} can't be kept small just now: {error}")

    def _cut(self, to: int) -> None:
        try:
            output = os.open(self._run.output, _FLAGS)
        except OSError:  # gone, or a link: not what the job writes to
            return
        try:
            if not stat.S_ISREG(os.fstat(output).st_mode):
                return
            newline = os.pread(output, LINE_BYTES, to).find(b"\n")
            to += newline + 1
            self._free(output, to)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            self._limit = 0
            self._note(0)
            self._complain(
                f"{self._run.output} is larger than it should be and grows on: its file system can't free "
                "the beginning of a file."
            )
        finally:
            os.close(output)

    def _free(self, output: int, to: int) -> None:
        """First told, then done: whoever reads zeros can know that they are none. Unless the disk is full:
        then this is what makes room to tell it."""
        try:
            self._note(to)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            _punch(output, to)
            self._note(to)
        else:
            _punch(output, to)

    def _note(self, first: int) -> None:
        write_json_atomically(self._run.output_kept, {"from": first})
        self._from = first


def _punch(descriptor: int, end: int) -> None:
    import ctypes  # costs a shim at rest nothing: most outputs stay small

    libc = ctypes.CDLL(None, use_errno=True)
    function = getattr(libc, "fallocate64", libc.fallocate)
    offsets = ctypes.c_int64(0), ctypes.c_int64(end)
    if function(ctypes.c_int(descriptor), ctypes.c_int(_PUNCH), *offsets) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
