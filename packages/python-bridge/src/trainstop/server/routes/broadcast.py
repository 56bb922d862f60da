"""Wakes whoever waits for news of a job. Carries no news itself: those who wake read the store, so that
nothing is lost or told twice, however slow a reader is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

LOG_LOOK_SECONDS = 0.25
"""How often a log that somebody watches is measured: at most four `log` events a second."""


class Listener:
    """One reader's bell."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.log: Path | None = None
        """The output to watch."""
        self.log_size = 0
        """As measured last."""


class Broadcast:
    """In one process and one event loop; `tell` may be called from any thread."""

    def __init__(self) -> None:
        self.closing = False
        """The server is going: end streams and waits."""
        self._listeners: dict[str, set[Listener]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._somebody_listens = asyncio.Event()

    def open(self) -> None:
        """Call in the event loop that the listeners live in."""
        self._loop = asyncio.get_running_loop()

    def tell(self, job_id: str) -> None:
        """There is news of a job."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._ring, job_id)

    def close(self) -> None:
        """End every stream and wait, now and from now on."""
        self.closing = True
        for job_id in self._listeners:
            self._ring(job_id)

    @contextlib.contextmanager
    def listen(self, job_id: str) -> Iterator[Listener]:
        """Listen first, then read: what comes in between rings."""
        listener = Listener()
        self._listeners.setdefault(job_id, set()).add(listener)
        self._somebody_listens.set()
        try:
            yield listener
        finally:
            listeners = self._listeners[job_id]
            listeners.discard(listener)
            if not listeners:
                del self._listeners[job_id]

    def watched(self) -> list[str]:
        """The jobs that somebody listens to."""
        return list(self._listeners)

    async def watch_logs(self) -> None:
        """Ring when an output that somebody watches has grown. Runs as long as the server."""
        while True:
            if not self._listeners:
                self._somebody_listens.clear()
                await self._somebody_listens.wait()
            watching = [one for some in self._listeners.values() for one in some if one.log is not None]
            paths = {listener.log for listener in watching if listener.log is not None}
            if paths:
                sizes = await asyncio.to_thread(_sizes_of, paths)
                for listener in watching:
                    size = None if listener.log is None else sizes.get(listener.log)
                    if size is not None and size != listener.log_size:
                        listener.log_size = size
                        listener.news.set()
            await asyncio.sleep(LOG_LOOK_SECONDS)

    def _ring(self, job_id: str) -> None:
        for listener in self._listeners.get(job_id, ()):
            listener.news.set()


def size_of(path: Path) -> int:
    """Bytes; 0 while there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _sizes_of(paths: set[Path]) -> dict[Path, int]:
    return {path: size_of(path) for path in paths}
