"""What goes wrong inside Trainstop is told on stderr, once, and never raised into training."""

from __future__ import annotations

import contextlib
import sys

_told: set[str] = set()


def complain(sentence: str) -> None:
    """Print one line. The same sentence is printed once per process. Raises nothing."""
    if sentence in _told:
        return
    _told.add(sentence)
    with contextlib.suppress(Exception):  # stderr closed, or a full disk behind it
        sys.stderr.write(f"trainstop: {sentence}\n")
        sys.stderr.flush()
