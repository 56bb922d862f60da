"""A step that is run whenever there is reason to, and again, later and later, when it failed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("trainstop.server.supervision")

FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 10.0


class Retried:
    """Runs `step` after each `wake`, one at a time. Wakes during a run or a pause add up to one run after it.

    Nothing but cancellation ends `run`: whatever the step raises is logged with `what` and tried again.
    """

    def __init__(self, what: str, step: Callable[[], Awaitable[None]]) -> None:
        self._what = what
        self._step = step
        self._woken = asyncio.Event()
        self._hurried = asyncio.Event()
        self._failures = 0

    def wake(self, *, hurry: bool = False) -> None:
        """`hurry` ends a pause after a failure: something new was asked, which may fare better."""
        self._woken.set()
        if hurry:
            self._hurried.set()

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            self._hurried.clear()
            try:
                await self._step()
            except Exception as error:
                await self._pause(error)
            else:
                self._failures = 0

    async def _pause(self, error: Exception) -> None:
        seconds = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(self._failures, 10))
        # The whole traceback once; a disk that stays full must not fill the log as well.
        log.error(
            "%s: %s: %s; trying again in %g s",
            self._what,
            type(error).__name__,
            error,
            seconds,
            exc_info=error if self._failures == 0 else None,
        )
        self._failures += 1
        self._woken.set()
        # Not wait_for: before Python 3.12 it can swallow a cancellation, and a stop would never end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
