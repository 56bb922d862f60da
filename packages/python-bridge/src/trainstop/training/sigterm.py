"""SIGTERM: a step of the stop under way, or what it always was."""

from __future__ import annotations

import contextlib
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class SigtermChain:
    """Stands before the handler that was there, and passes on every SIGTERM that no stop explains."""

    def __init__(self, explained: Callable[[], bool]) -> None:
        """Install. Raises ValueError outside the main thread, or where the old handler isn't Python's."""
        self._explained = explained
        self._previous = signal.getsignal(signal.SIGTERM)
        if self._previous is None:
            raise ValueError("the SIGTERM handler was not installed from Python")
        self._installed = True
        self._kept = False
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._installed and self._explained():
            self._kept = True
            return
        previous = self._previous
        if callable(previous):
            previous(number, frame)
        elif previous == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def undo(self) -> None:
        """`restore`, for a process that turned out to be none that saves: what it kept goes on after all."""
        self.restore()
        if self._kept:
            os.kill(os.getpid(), signal.SIGTERM)

    def restore(self) -> None:
        """Put the old handler back. One that somebody put over ours stays, and ours passes on."""
        self._installed = False
        with contextlib.suppress(ValueError, TypeError):  # not in the main thread
            if signal.getsignal(signal.SIGTERM) == self._handle:
                signal.signal(signal.SIGTERM, self._previous)
