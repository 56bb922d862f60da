"""Tells whoever listens that there is news of a job. Carries no news itself: those who hear it read the
store, so that nothing is lost or told twice, however slow a reader is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Protocol


class Bell(Protocol):
    def ring(self) -> None:
        """There may be news. Called in the event loop; must not block."""


class Listener:
    """A bell for somebody who waits."""

    def __init__(self) -> None:
        self.news = asyncio.Event()

    def ring(self) -> None:
        self.news.set()


class Broadcast:
    """In one process and one event loop; `tell` may be called from any thread."""

    def __init__(self) -> None:
        self.closing = False
        """The server is going: end streams and waits."""
        self._bells: dict[str, set[Bell]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

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
        for job_id in list(self._bells):
            self._ring(job_id)

    def join(self, job_id: str, bell: Bell) -> None:
        """Listen first, then read: what comes in between rings."""
        self._bells.setdefault(job_id, set()).add(bell)

    def leave(self, job_id: str, bell: Bell) -> None:
        bells = self._bells[job_id]
        bells.discard(bell)
        if not bells:
            del self._bells[job_id]

    @contextlib.contextmanager
    def listen(self, job_id: str) -> Iterator[Listener]:
        listener = Listener()
        self.join(job_id, listener)
        try:
            yield listener
        finally:
            self.leave(job_id, listener)

    def watched(self) -> list[str]:
        """The jobs that somebody listens to."""
        return list(self._bells)

    def listens(self, job_id: str) -> bool:
        """Whether anybody does."""
        return job_id in self._bells

    def _ring(self, job_id: str) -> None:
        for bell in list(self._bells.get(job_id, ())):
            bell.ring()
