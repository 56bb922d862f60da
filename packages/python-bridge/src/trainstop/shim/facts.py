"""What the shim saw, for the server: `shim.jsonl`, and `exit.json` as the last word.

A disk that is full must not stop the supervision. What can't be written now is kept and written later, with
the time when it was seen.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from trainstop.rundir.atomic_file import write_json_atomically
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.wake import poke

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from trainstop.rundir.journal import Fact, Journal
    from trainstop.rundir.layout import RunDir


class Facts:
    """Nothing here raises OSError or waits for anyone but the disk."""

    def __init__(self, run: RunDir, journal: Journal, server_wake: str | None) -> None:
        self._run = run
        self._journal = journal
        self._server_wake = None if server_wake is None else Path(server_wake)
        self._unwritten: list[Fact] = []
        self._last_complaint = ""

    def tell(self, type_: str, *, at: str | None = None, **fact: Any) -> str:
        """Note a fact and write it if possible. `at`: now. Returns its time, as written."""
        at = at or rfc3339(now())
        self._unwritten.append({"at": at, "type": type_, **fact})
        self.write()
        return at

    def write(self) -> bool:
        """Write what is still unwritten and wake the server. False when the disk didn't take all of it."""
        told = False
        try:
            while self._unwritten:
                self._journal.append_all(self._unwritten[:1])  # one by one: never half, never twice
                del self._unwritten[0]
                told = True
        except OSError as error:
            self.complain(f"{self._run.shim_journal} can't be written: {error}")
        if told:
            self._wake_server()
        return not self._unwritten

    def conclude(self, exit_record: dict[str, Any]) -> bool:
        """Put every fact on disk, and only then the exit record. False when that failed: try again later."""
        if not self.write():
            return False
        try:
            self._journal.sync()
            write_json_atomically(self._run.exit_record, exit_record)
        except OSError as error:
            self.complain(f"{self._run.exit_record} can't be written: {error}")
            return False
        self._wake_server()
        return True

    def still_here(self) -> None:
        """Nothing new, but we are at work: the server takes a shim whose journal doesn't change for stuck."""
        self.write()
        with contextlib.suppress(OSError):
            os.utime(self._run.shim_journal)

    def complain(self, sentence: str) -> None:
        """Into shim.log, for people; a sentence that repeats itself only once."""
        if sentence == self._last_complaint:
            return
        self._last_complaint = sentence
        with contextlib.suppress(OSError):  # the log lies on the same full disk
            print(f"{rfc3339(now())} {sentence}", file=sys.stderr, flush=True)

    def _wake_server(self) -> None:
        if self._server_wake is not None:
            poke(self._server_wake)
