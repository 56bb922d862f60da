"""The feeds of all jobs that somebody watches, and what is done for all streams at once: logs, heartbeats."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from trainstop.server.routes.broadcast import Broadcast
from trainstop.server.routes.feed import Feed, Place, Source

LOG_LOOK_SECONDS = 0.25
"""How often logs that somebody watches are measured: at most four `log` events a second and job."""
PULSE_SECONDS = 1.0
HEARTBEAT_SECONDS = 9.0
"""Silence after which a comment says that the server is there; found out once a pulse. Clients take 30
seconds of silence for death."""
BOOKMARK_SECONDS = 60.0
STALLED_SECONDS = 300.0
"""A reader whose socket has taken nothing for so long is cut off."""

logger = logging.getLogger("trainstop.streams")


class StreamSource(Source, Protocol):
    async def jobs(self, job_ids: Sequence[str], owner: str | None) -> list[dict[str, Any] | None]:
        """Each as it is now; None where there is none (for this owner)."""

    async def log_sizes(self, attempts: Sequence[tuple[str, int]]) -> list[int]:
        """Bytes of the output of each (job, attempt)."""


class OpenStream(Protocol):
    spoke_at: float
    """Loop time when it last sent something."""
    sending_since: float | None
    """Loop time since which it waits for its reader; None while it does not."""
    bookmarked_at: float
    unsent: Callable[[], int]
    """Bytes that its connection holds for its reader."""

    def heartbeat(self) -> None: ...

    def bookmark(self) -> None: ...

    def end(self) -> None: ...

    def cut(self) -> None: ...


class Feeds:
    """Lives in one event loop."""

    def __init__(self, source: StreamSource, broadcast: Broadcast) -> None:
        self.source = source
        self.closing = False
        self.streams: set[OpenStream] = set()
        self._broadcast = broadcast
        self._feeds: dict[str, Feed] = {}

    def join(self, job_id: str, place: Place) -> Feed:
        """The job's feed, which rings `place` from now on. Only for who may read this job."""
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = Feed(job_id, self.source)
            self._broadcast.join(job_id, feed)
        feed.places.add(place)
        return feed

    def leave(self, feed: Feed, place: Place) -> None:
        feed.places.discard(place)
        if not feed.places:
            feed.close()
            self._broadcast.leave(feed.job_id, feed)
            del self._feeds[feed.job_id]

    def close(self) -> None:
        """End every stream, now and from now on; one that waits for its reader is cut off."""
        self.closing = True
        for stream in list(self.streams):
            if stream.sending_since is None and not stream.unsent():
                stream.end()
            else:
                stream.cut()

    async def watch_logs(self) -> None:
        """Tell when an output that somebody watches has another size. Runs as long as the server."""
        while True:
            feeds = [feed for feed in self._feeds.values() if feed.attempt > 0 and feed.end is None]
            if feeds:
                watched = [(feed.job_id, feed.attempt) for feed in feeds]
                sizes = await self.source.log_sizes(watched)
                for feed, (_, attempt), size in zip(feeds, watched, sizes, strict=True):
                    if feed.attempt == attempt and feed.end is None:
                        feed.tell_log(attempt, size)
            await asyncio.sleep(LOG_LOOK_SECONDS)

    async def watch_readers(self) -> None:
        """Heartbeats, bookmarks, and an end for readers that read nothing: one timer for all of them. Runs as
        long as the server."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            moment = loop.time()
            for stream in list(self.streams):
                if stream.sending_since is not None:
                    if moment - stream.sending_since >= STALLED_SECONDS:
                        logger.info("a reader took nothing for %d seconds and was cut off", STALLED_SECONDS)
                        stream.cut()
                    continue
                if moment - stream.bookmarked_at >= BOOKMARK_SECONDS:
                    stream.bookmark()
                if moment - stream.spoke_at >= HEARTBEAT_SECONDS:
                    stream.heartbeat()
