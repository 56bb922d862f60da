"""Keeps Python's garbage collector from holding up answers."""

from __future__ import annotations

import gc


def exempt_what_is_loaded() -> None:
    """Call once, when the process has loaded what it will keep, and never where it does not keep it.

    A full collection goes through every object there is, 70 ms and more for a server's modules, models and
    SQL, while nobody is answered. What is there now is looked at no more.
    """
    gc.collect()
    gc.freeze()
