"""Told the moment a process dies, without asking again and again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from trainstop.rundir.process_identity import process_stat
from trainstop.shim.process_tree import Process


class ProcessWatch:
    """Watches one process. Where the system has no pidfd, or none to spare, `look` finds out instead.

    To be made, asked and closed in the event loop's thread.
    """

    def __init__(self, process: Process, on_death: Callable[[], None]) -> None:
        """`on_death` is called once, from the event loop; not when the process was dead from the start."""
        self.process = process
        self.dead = False
        self._on_death = on_death
        self._descriptor: int | None = None
        try:
            self._descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            self.dead = True
            return
        except (OSError, AttributeError):
            pass
        # Only now that the handle holds the pid: is it still the same process?
        if not self._is_there():
            self.dead = True
            self.close()
        elif self._descriptor is not None:
            asyncio.get_running_loop().add_reader(self._descriptor, self._died)

    def look(self) -> bool:
        """Whether the process is dead, found out by reading /proc where there is no handle."""
        if not self.dead and self._descriptor is None and not self._is_there():
            self.dead = True
        return self.dead

    def close(self) -> None:
        if self._descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _died(self) -> None:
        self.dead = True
        self.close()
        self._on_death()

    def _is_there(self) -> bool:
        stat = process_stat(self.process.pid)
        return stat is not None and stat[0] not in "ZX" and stat[2] == self.process.start_ticks
