"""Journals: one JSON fact a line, appended by one writer, read by offset by anyone."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

from trainstop.rundir.clock import now, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fact = dict[str, Any]


class Journal:
    """Appends facts. Each line goes out in one write, so a reader never sees two writers' lines mixed."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, also for what is no plain file: a script can put anything in a journal's place, and
        nobody is to write to another file by way of a link, nor to wait for the reader of a FIFO."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise OSError(errno.EINVAL, "It is no plain file", str(path))
        size = status.st_size
        # A line that a dead writer or a full disk cut short: the next append closes it first, or it would
        # swallow the fact that follows.
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def append(self, type_: str, **fact: Any) -> None:
        """Append `{"at", "type", **fact}`. One system call; raises OSError (a full disk, say)."""
        self.append_all([{"at": rfc3339(now()), "type": type_, **fact}])

    def append_all(self, facts: list[Fact]) -> None:
        """Append complete facts (each with its own `at` and `type`) in one system call."""
        lines = "".join(json.dumps(fact, separators=(",", ":")) + "\n" for fact in facts).encode()
        if self._torn:
            lines = b"\n" + lines
        written = 0
        while written < len(lines):
            written += os.write(self._descriptor, lines[written:])
            self._torn = written < len(lines)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


LONGEST_LINE_BYTES = 4 << 20
"""What a line may have at most. What `training` writes stays well below: it cuts its metrics into lines."""
MOST_PASSED_OVER_BYTES = 1 << 30
"""Of a longer line, at once: a file can be larger than anybody could read in a day."""
_PIECE_BYTES = 1 << 16


def read_facts(path: Path, offset: int, limit: int = 1 << 20) -> tuple[list[Fact], int]:
    """As `read_placed_facts`, without the places."""
    placed, end = read_placed_facts(path, offset, limit)
    return [fact for _, fact in placed], end


def read_placed_facts(path: Path, offset: int, limit: int = 1 << 20) -> tuple[list[tuple[int, Fact]], int]:
    """(where its line begins, fact) of the complete lines from byte `offset` on, and the offset after them.

    Reads at most `limit` bytes, more only if a single line is longer. A line that is no JSON object (torn by
    a crash) is passed over, and so is one of more than LONGEST_LINE_BYTES, which is never held in memory. No
    file is no facts, and what is no plain file holds none: a script can put anything in a journal's place.
    """
    try:
        # Non-blocking: a FIFO must not hang whoever reads.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return [], offset
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ELOOP):  # a socket, a link
            return [], offset
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return [], offset
        chunk = os.pread(descriptor, limit, offset)
        while b"\n" not in chunk:
            if len(chunk) >= LONGEST_LINE_BYTES:
                return [], _after_line(descriptor, offset + len(chunk))
            more = os.pread(descriptor, _PIECE_BYTES, offset + len(chunk))
            if not more:
                return [], offset
            chunk += more[: more.find(b"\n") + 1 or None]
    finally:
        os.close(descriptor)
    end = chunk.rindex(b"\n") + 1
    facts = []
    begins = offset
    for line in chunk[:end].split(b"\n"):
        begun, begins = begins, begins + len(line) + 1
        try:
            fact = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fact, dict) and isinstance(fact.get("type"), str) and isinstance(fact.get("at"), str):
            facts.append((begun, fact))
    return facts, offset + end


def _after_line(descriptor: int, offset: int) -> int:
    """Where the line ends that goes on at `offset`; the end of the file, while that line has none; some place
    in it, where it is very long."""
    enough = offset + MOST_PASSED_OVER_BYTES
    while offset < enough and (piece := os.pread(descriptor, _PIECE_BYTES, offset)):
        newline = piece.find(b"\n")
        if newline >= 0:
            return offset + newline + 1
        offset += len(piece)
    return offset
