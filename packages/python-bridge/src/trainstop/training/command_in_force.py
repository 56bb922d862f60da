"""Which command binds this process: the control file read, obeyed once, acknowledged."""

from __future__ import annotations

import threading
from pathlib import Path

from trainstop.rundir.clock import now
from trainstop.rundir.control import read_control
from trainstop.training.complaint import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from trainstop.rundir.control import ControlCommand


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
        self._control = control
        self._acknowledge = acknowledge
        self._lock = threading.Lock()

    def look(self) -> None:
        """Follow the control file. Called by the listener, and once before the first step."""
        with self._lock:
            command = self._read()
            if self.leaving is None:
                self.armed = command
            elif command is not None and command["id"] != self.leaving["id"]:
                self.armed = self.leaving = command
                self._acknowledge(command)

    def take(self) -> ControlCommand | None:
        """The main thread's decision to leave: what for, or None when there is nothing (any more)."""
        with self._lock:
            if self.leaving is None:
                command = self._read()
                self.armed = command
                if command is not None:
                    self.leaving = command
                    self._acknowledge(command)
            return self.leaving

    def explains_sigterm(self) -> bool:
        """Whether a SIGTERM just now is a step of a stop under way; if so the run is armed.

        Takes no lock: it runs in a signal handler, which may have interrupted whoever holds it.
        """
        if self.leaving is not None:
            return True
        command = self._read()
        if command is None:
            return False
        self.armed = command
        return True

    def _read(self) -> ControlCommand | None:
        """What the control file asks of this process now. Where it can't be read, what it asked last."""
        if self._control is None:
            return None
        try:
            command = read_control(self._control)
            if command is not None and command["mode"] == "force":
                return None
            if command is None or command["action"] != "cancel":
                if self.armed is not None and self.armed["action"] == "cancel":
                    return self.armed
                if command is None or command["action"] != "pause" or command["deadline"] <= now():
                    return None
            str(command["id"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            complain(f"the control file cannot be read ({error!r}); it is tried again")
            return self.armed
        return command
