"""Deaths of children, as something to poll for."""

from __future__ import annotations

import os
import signal


def child_signals() -> int:
    """A descriptor that becomes readable when a child died."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    # A handler that does nothing: with the default one, no byte would be written.
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return reader
