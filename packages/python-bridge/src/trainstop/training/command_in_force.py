"""Which command binds this process: the control file read, obeyed once, acknowledged."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

from trainstop.rundir.clock import now
from trainstop.rundir.control import read_control
from trainstop.training.complaint import complain
from trainstop.training.wait import Wait, waits_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from trainstop.rundir.control import ControlCommand

    Place = Literal["step", "checkpoint", "epoch"]
    """Where in its loop the script is: past any step, at a save of its own, at the end of an epoch."""

LOOK_SECONDS = 1.0
"""How often a run that is held looks by itself: what a listener that died may cost."""


class CommandInForce:
    """Until the script leaves, `armed` follows the control file; from then on the run is leaving.

    A pause that is withdrawn or expires before it was taken binds nobody. Once taken, only a later command
    changes what the run leaves for. A cancel, once seen, is never taken back: the shim doesn't either, so a
    run that trained on would be killed unsaved. Force is the shim's affair: it kills, and a save begun for
    it would only be torn.
    """

    def __init__(self, control: Path | None, acknowledge: Callable[[ControlCommand], None]) -> None:
        """`control` None: nothing can bind this run. `acknowledge` is called once for each command obeyed."""
        self.armed: ControlCommand | None = None
        """Read by the main thread on every step, set by the listener. None: nobody asked for anything."""
        self.leaving: ControlCommand | None = None
        self.held: ControlCommand | None = None
        """The hold for which the main thread stands still."""
        self._control = control
        self._acknowledge = acknowledge
        self._lock = threading.Lock()
        self._wait = Wait()
        self._lifted_by: str | None = None
        # Its `put` may be called from a signal handler that interrupted `get`, which a condition's may not.
        self._news: SimpleQueue[None] = SimpleQueue()

    def look(self) -> None:
        """Follow the control file. Called by the listener, and once before the first step."""
        with self._lock:
            if self.held is not None:
                self._news.put(None)  # the main thread itself decides to go on, and says so
                return
            found = self._in_file(self.armed)
            self._lift(found)  # a run that goes on already
            command = self._binding(found)
            if self.leaving is None:
                self._arm(command)
            elif command is not None and command["id"] != self.leaving["id"] and not is_hold(command):
                self.armed = self.leaving = command
                self._acknowledge(command)

    def is_due(self, place: Place = "step") -> bool:
        """Whether what is asked is to leave right here. Asks no disk."""
        command = self.armed
        if command is None:
            return False
        if self.leaving is not None:
            return True
        return not is_hold(command) and (waits_for(command) in (None, place) or self._wait.is_over())

    def take(self, place: Place = "step") -> ControlCommand | None:
        """The main thread's decision to leave: what for, or None when there is nothing (any more) that binds
        it here."""
        with self._lock:
            if self.leaving is None and self.is_due(place):
                self._arm(self._read())
                if self.armed is not None and self.is_due(place):
                    self.leaving = self.armed
                    self._acknowledge(self.leaving)
            return self.leaving

    def stand_still(self) -> None:
        """Where a hold is asked: acknowledge it, and block until it is lifted or a later command says to
        leave. Called by the main thread. The listener goes on meanwhile."""
        with self._lock:
            self._arm(self._read())
            if self.leaving is not None or self.armed is None or not is_hold(self.armed):
                return
            self.held = self.armed
            self._acknowledge(self.held)
        while self.held is not None:
            with contextlib.suppress(Empty):
                self._news.get(timeout=LOOK_SECONDS)
            with self._lock:
                self._settle(self.held)

    def explains_sigterm(self) -> bool:
        """Whether a SIGTERM just now is a step of a stop under way; if so the run is armed and waits no more.

        Takes no lock: it runs in a signal handler, which may have interrupted whoever holds it.
        """
        if self.leaving is not None:
            return True
        command = self._read()
        if command is None or is_hold(command):
            return False
        self._wait.end(command["id"])
        self.armed = command
        if self.held is not None:
            self._news.put(None)
        return True

    def _arm(self, command: ControlCommand | None) -> None:
        self._wait.hear(command)
        self.armed = command

    def _settle(self, held: ControlCommand) -> None:
        """What a run that is held makes of the control file."""
        command = self._in_file(held)
        if command is not None and (command["id"] == held["id"] or command["mode"] == "force"):
            return  # whoever is about to be killed begins nothing
        self.held = None
        if command is None or command["action"] == "resume" or not _is_in_time(command):
            self.armed = None
            self._lift(command)
        elif is_hold(command):
            self.held = self.armed = command
            self._acknowledge(command)
        else:
            self.armed = self.leaving = command
            self._acknowledge(command)

    def _lift(self, command: ControlCommand | None) -> None:
        if command is not None and command["action"] == "resume" and command["id"] != self._lifted_by:
            self._lifted_by = command["id"]
            self._acknowledge(command)

    def _read(self) -> ControlCommand | None:
        """What the control file asks of this process now. Where it can't be read, what it asked last."""
        return self._binding(self._in_file(self.armed))

    def _binding(self, command: ControlCommand | None) -> ControlCommand | None:
        if command is not None and command["mode"] == "force":
            return None
        if command is None or command["action"] != "cancel":
            if self.armed is not None and self.armed["action"] == "cancel":
                return self.armed
            if command is None or command["action"] != "pause" or not _is_in_time(command):
                return None
        return command

    def _in_file(self, otherwise: ControlCommand | None) -> ControlCommand | None:
        """Checked as far as it is looked into here. `otherwise`: where it can't be read."""
        if self._control is None:
            return None
        try:
            command = read_control(self._control)
            if command is not None:
                for name in ("id", "action", "mode"):
                    if not isinstance(command[name], str):
                        raise TypeError(f"{name} is no text")
                _is_in_time(command)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            complain(f"the control file cannot be read ({error!r}); it is tried again")
            return otherwise
        return command


def is_hold(command: ControlCommand) -> bool:
    return command["action"] == "pause" and command.get("hold") is True


def _is_in_time(command: ControlCommand) -> bool:
    """A cancel always is; a pause until its deadline."""
    return command["action"] == "cancel" or command["deadline"] > now()
