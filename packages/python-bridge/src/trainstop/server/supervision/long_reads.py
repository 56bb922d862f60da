"""Reads of gigabytes, few at a time; one that takes very long makes way, and goes on beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from trainstop.server.supervision.daemon_thread import in_daemon_thread

T = TypeVar("T")

TURN_SECONDS = 30.0
"""A checkpoint can be of any size, and a script can make one that nobody could read in a day."""


class LongReads:
    """They change nothing, so a stopping server need not wait for them."""

    def __init__(self, at_once: int) -> None:
        """Each reads as fast as the disk can; more of them would only take turns."""
        self._turns = asyncio.Semaphore(at_once)

    async def run(self, function: Callable[[], T]) -> T:
        """In a thread of its own, when its turn has come."""
        await self._turns.acquire()
        has_turn = True

        def end_turn() -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                self._turns.release()

        timer = asyncio.get_running_loop().call_later(TURN_SECONDS, end_turn)
        try:
            return await in_daemon_thread(function)
        finally:
            timer.cancel()
            end_turn()
