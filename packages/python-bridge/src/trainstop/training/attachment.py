"""Everything a launched run holds while it runs: journal, wake file, listener thread, SIGTERM."""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time

from trainstop import __version__
from trainstop.rundir.journal import Journal
from trainstop.rundir.process_identity import identify
from trainstop.rundir.wake import WakeFile, poke
from trainstop.training.command_in_force import CommandInForce
from trainstop.training.complaint import complain
from trainstop.training.launch import rank_of_this_process
from trainstop.training.outbox import Outbox
from trainstop.training.sigterm import SigtermChain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainstop.rundir.control import ControlCommand
    from trainstop.training.launch import Launch
    from trainstop.training.outbox import Progress

FLUSH_SECONDS = 0.25
LOOK_SECONDS = 1.0
"""A poke that was lost costs this much."""
JOIN_SECONDS = 5.0
"""How long leaving waits for a listener that hangs on the disk."""


class Taken(Exception):
    """Another process already speaks for this rank."""


class Attachment:
    """One rank's side of the run directory. While nobody asks for anything, a step never waits for it."""

    def __init__(self, launch: Launch, progress: Callable[[], Progress]) -> None:
        """Raises Taken when this rank is spoken for, OSError when the run directory can't be used."""
        rank = rank_of_this_process()
        path = launch.run_dir.rank_journal(rank)
        self.command = CommandInForce(launch.run_dir.control, self._acknowledge)
        # Before the rank has a file: where none has, a stop begins with SIGTERM, and one that is on its way
        # just now must find somebody who saves for it.
        self._sigterm = self._take_sigterm()
        try:
            self._claim = _claim(path)
            try:
                self.outbox = Outbox(Journal(path), launch.server_wake)
                self._wake_path = launch.run_dir.rank_wake(rank)
                self._wake = WakeFile(self._wake_path)
            except BaseException:
                os.close(self._claim)
                raise
        except BaseException:
            if self._sigterm is not None:
                self._sigterm.undo()
            raise
        self._progress = progress
        self._closing = False
        self._listener = threading.Thread(target=self._listen, name="trainstop", daemon=True)

    def open(
        self,
        *,
        total_steps: int | None,
        total_epochs: int | None,
        resumed_from: str | None,
        best: tuple[str, str] | None = None,
    ) -> None:
        """Say that the run is here, look once (a stop may have come before), and start to listen."""
        identity = identify(os.getpid())
        self.outbox.say(
            "attached",
            pid=os.getpid(),
            start_ticks=identity["start_ticks"] if identity else None,
            version=__version__,
            total_steps=total_steps,
            total_epochs=total_epochs,
            resumed_from=resumed_from,
            best={"metric": best[0], "mode": best[1]} if best else None,
        )
        self.command.look()
        self._listener.start()

    def close(self, *, failed: bool) -> None:
        """Say the rest and that the run left, and let go of all. Waits for a listener on a hung disk 5 s."""
        self._closing = True
        poke(self._wake_path)
        self._listener.join(JOIN_SECONDS)
        if self._listener.is_alive():
            complain("the run directory's disk does not answer; the end of this run is not recorded")
        else:
            self.outbox.flush(self._progress())
            leaving = self.command.leaving
            why: str = leaving["action"] if leaving else "finished"
            self.outbox.say(
                "left",
                reason="error" if failed else why,
                command_id=leaving["id"] if leaving else None,
                step=self._progress()[0],
            )
            self.outbox.close()
            self._wake.close()
            os.close(self._claim)
        if self._sigterm is not None:
            self._sigterm.restore()

    def let_go(self) -> None:
        """Close what is open without a word: in a forked child, or when `open` failed. Touches no lock."""
        if self._sigterm is not None:
            self._sigterm.restore()
        self.outbox.close()
        self._wake.close()
        os.close(self._claim)  # closing, unlike unlocking, leaves the parent its lock

    def _take_sigterm(self) -> SigtermChain | None:
        try:
            return SigtermChain(self.command.explains_sigterm)
        except ValueError as error:
            complain(f"a SIGTERM during a stop will not wait for the save: {error}")
            return None

    def _acknowledge(self, command: ControlCommand) -> None:
        self.outbox.say("acknowledged", command_id=command["id"], step=self._progress()[0])

    def _listen(self) -> None:
        try:
            # poll: select refuses descriptors beyond 1023, which training processes reach.
            poll = select.poll()
            poll.register(self._wake.fileno(), select.POLLIN)
            next_look = next_flush = 0.0
            while not self._closing:
                woken = poll.poll(FLUSH_SECONDS * 1000)
                if woken:
                    self._wake.drain()
                moment = time.monotonic()
                if woken or moment >= next_look:
                    next_look = moment + LOOK_SECONDS
                    self.command.look()
                if moment >= next_flush:
                    next_flush = moment + FLUSH_SECONDS
                    self.outbox.flush(self._progress())
        except Exception as error:
            complain(f"listening ended ({error!r}); training goes on, and a stop comes as SIGTERM")


def _claim(journal: Path) -> int:
    """Lock the journal for this process: a worker that runs the same script must not speak for the rank."""
    descriptor = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Taken from None
    except OSError:
        pass  # a file system without locks
    return descriptor
