"""Threads for what blocks: disk, store, /proc. The event loop itself never waits for any of them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from trainstop.server.supervision.long_reads import LongReads

T = TypeVar("T")
P = ParamSpec("P")

# Most of the time they wait for a disk or for the store's one writer.
_THREADS = 8
_URGENT_THREADS = 4
_LONG_READS = 2
_STOP_SECONDS = 0.7


class Background:
    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Set when the server stops: whoever waits in a thread for longer than a moment looks at it."""
        self._usual = ThreadPoolExecutor(_THREADS, "trainstop-supervision")
        self._urgent = ThreadPoolExecutor(_URGENT_THREADS, "trainstop-commands")
        self._long_reads = LongReads(_LONG_READS)
        self._running: set[Future[Any]] = set()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """For a moment's work: a transaction, a batch of a journal."""
        return await self._in(self._usual, functools.partial(function, *args, **kwargs))

    async def run_urgent(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, on threads that following many jobs never fills: commands, and the ladder's kills."""
        return await self._in(self._urgent, functools.partial(function, *args, **kwargs))

    async def run_long(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """For reads of gigabytes, few at a time. They change nothing, so stopping doesn't wait for them."""
        return await self._long_reads.run(functools.partial(function, *args, **kwargs))

    async def stop(self) -> None:
        """Start nothing any more, and wait a moment for what is being done."""
        self.stopping.set()
        for threads in (self._usual, self._urgent):
            threads.shutdown(wait=False, cancel_futures=True)
        if self._running:
            running = [asyncio.wrap_future(future) for future in list(self._running)]
            await asyncio.wait(running, timeout=_STOP_SECONDS)

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        future = threads.submit(contextvars.copy_context().run, work)  # a line of log names its job there too
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(future)
