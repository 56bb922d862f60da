"""What a run says: facts at once, metrics and progress together a few times a second."""

from __future__ import annotations

import threading
from collections import deque

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.wake import poke
from trainstop.training.complaint import complain
from trainstop.training.metric_values import encode_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from trainstop.rundir.journal import Fact, Journal

    Row = tuple[int | None, int | None, float, dict[str, float]]
    Progress = tuple[int | None, int | None]

# Rows that wait for a disk that hangs; beyond it rows are dropped, so that memory stays bounded.
MAX_WAITING_ROWS = 100_000
# Rows in one line of the journal, and values, but at least one row: a reader takes in a line at once.
ROWS_PER_FACT = 500
VALUES_PER_FACT = 8000


class Outbox:
    """Writes one rank's journal, from the main thread and the listener's. Raises nothing."""

    def __init__(self, journal: Journal, server_wake: Path | None) -> None:
        self._rows: deque[Row] = deque()
        self._journal = journal
        self._server_wake = server_wake
        self._lock = threading.Lock()
        self._unsaid: list[Fact] = []
        self._dropped = 0
        self._overflowed = 0
        self._told_progress: Progress = (None, None)

    def add(self, row: Row) -> None:
        """Let a row wait for the next flush. Takes no lock and never blocks."""
        if len(self._rows) < MAX_WAITING_ROWS:
            self._rows.append(row)
        else:
            self._overflowed += 1

    def say(self, type_: str, **fact: object) -> None:
        """Write a fact that somebody waits for, now, and wake the server. On a full disk it is said later."""
        with self._lock:
            self._unsaid.append({"at": rfc3339(now()), "type": type_, **fact})
            self._say_unsaid()
        if self._server_wake is not None:
            poke(self._server_wake)

    def flush(self, progress: Progress) -> None:
        """Write what has gathered: rows, and progress when it has changed."""
        with self._lock:
            self._dropped += self._overflowed
            self._overflowed = 0
            rows = self._take_rows()
            if not self._say_unsaid():
                self._dropped += len(rows)
                return
            at = rfc3339(now())
            facts: list[Fact] = []
            if self._dropped:
                facts.append({"at": at, "type": "dropped", "rows": self._dropped})
            facts += [{"at": at, "type": "metrics", "rows": part} for part in _parts(rows)]
            if progress != self._told_progress:
                facts.append({"at": at, "type": "progress", "step": progress[0], "epoch": progress[1]})
            if not facts:
                return
            try:
                self._journal.append_all(facts)
            except OSError as error:
                self._dropped += len(rows)
                complain(f"metrics cannot be written ({error.strerror}) and are dropped until they can")
                return
            self._told_progress = progress
            self._dropped = 0

    def close(self) -> None:
        """Takes no lock: in a forked child it may be held by a thread that is not there."""
        self._journal.close()

    def _say_unsaid(self) -> bool:
        if self._unsaid:
            try:
                self._journal.append_all(self._unsaid)
            except OSError as error:
                complain(f"the run's journal cannot be written ({error.strerror}); it is tried again")
                return False
            self._unsaid = []
        return True

    def _take_rows(self) -> list[Row]:
        return [self._rows.popleft() for _ in range(len(self._rows))]


def _parts(rows: list[Row]) -> list[list[list[object]]]:
    """The rows as they travel, cut into lines that a reader can hold."""
    parts: list[list[list[object]]] = []
    values_in_last = 0
    for step, epoch, moment, values in rows:
        values_in_last += len(values)
        if not parts or len(parts[-1]) >= ROWS_PER_FACT or values_in_last > VALUES_PER_FACT:
            parts.append([])
            values_in_last = len(values)
        parts[-1].append([step, epoch, round(moment, 3), encode_all(values)])
    return parts
