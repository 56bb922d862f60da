"""One reader's stream: where it stands in each of its jobs, and what it hears next."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from trainstop.rundir.clock import now, rfc3339
from trainstop.server.jobs.refusal import Refusal, no_such_job
from trainstop.server.routes.event_text import HERE, event_of, event_text
from trainstop.server.routes.feed import Feed
from trainstop.server.routes.feeds import Feeds

PIECE_BYTES = 16 * 1024
"""Written at once. A reader that stalls holds about as much in memory, beside what its socket takes."""
CATCH_UP_BYTES = 32 * 1024
"""Read from the store at once for a reader that is behind."""
FAR_BEHIND_EVENTS = 5000
"""A reader that is so far behind what happens, and not just catching up, is shown the present instead."""
JOBS_AT_ONCE = 20
"""Jobs whose snapshots are read from the store, and held, at once."""
NOT_OURS = "The cursor is none of this store's; what was built on it may never have been."
EXPIRED = "The events after the cursor are no longer kept."
TOO_SLOW = "Events came faster than they were read; the next one shows the job as it is."
_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})")

Job = dict[str, Any]


class Place:
    """Where a reader stands in one job."""

    __slots__ = (
        *("feed", "job_id", "lap_end", "lap_events", "log_version"),
        *("marked", "queued", "seq", "stream"),
    )

    def __init__(self, stream: Stream, job_id: str) -> None:
        self.stream = stream
        self.job_id = job_id
        self.feed: Feed | None = None
        self.seq = -1
        """Up to here everything was sent."""
        self.lap_end = -1
        self.lap_events = 0
        """The lap under way of a reader that catches up: to where, from how many events behind. Each must be
        half as long as the one before, or the reader will never arrive. 0: it is not catching up."""
        self.log_version = 0
        self.marked = False
        """Its reader was told that nothing was missed."""
        self.queued = False

    def ring(self) -> None:
        self.stream.wake(self)


class Stream:
    """Events of some jobs for one reader, each without gap or double. Made in the event loop.

    With `bookmarks`, it says of each job from time to time that nothing was missed, and of a job that isn't
    there that it is `gone`; without, it just ends for that.
    """

    def __init__(self, feeds: Feeds, owner: str | None, *, bookmarks: bool) -> None:
        self._feeds = feeds
        self._owner = owner
        self._bookmarks = bookmarks
        self._generation = feeds.source.generation
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._places: set[Place] = set()
        self._waiting: deque[Place] = deque()
        self._left = False
        self._heartbeat_due = False
        self._out: list[bytes] = []
        self._out_bytes = 0
        self.spoke_at = self.bookmarked_at = self._loop.time()
        self.sending_since: float | None = None
        self.cut: Callable[[], None] = self.end
        """Drops the connection without waiting for its reader."""
        self.unsent: Callable[[], int] = int
        """Bytes that the connection holds for it."""

    def wake(self, place: Place) -> None:
        if not place.queued:
            place.queued = True
            self._waiting.append(place)
            self._news.set()

    def heartbeat(self) -> None:
        self._heartbeat_due = True
        self._news.set()

    def bookmark(self) -> None:
        self.bookmarked_at = self._loop.time()
        if self._bookmarks:
            for place in self._places:
                place.marked = False
                place.ring()

    def end(self) -> None:
        """Its reader has gone, or the server goes."""
        self._left = True
        self._news.set()

    async def run(
        self,
        cursors: Mapping[str, str | None],
        known: Mapping[str, Job],
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Send until every job has ended, the reader has gone, or the server goes. `known`: just read."""
        self._feeds.streams.add(self)
        try:
            await self._begin(cursors, known, send)
            while self._places and not self._over:
                if self._waiting:
                    place = self._waiting.popleft()
                    place.queued = False
                    if place in self._places:
                        await self._advance(place)
                    if self._out_bytes >= PIECE_BYTES or not self._waiting:
                        await self._flush(send)
                elif self._heartbeat_due:
                    self._say(HERE)
                    await self._flush(send)
                else:
                    self._news.clear()
                    await self._news.wait()
            if not self._over:
                await self._flush(send)
        finally:
            self._feeds.streams.discard(self)
            for place in list(self._places):
                self._leave(place)

    @property
    def _over(self) -> bool:
        return self._left or self._feeds.closing

    async def _begin(
        self,
        cursors: Mapping[str, str | None],
        known: Mapping[str, Job],
        send: Callable[[bytes], Awaitable[None]],
    ) -> None:
        if self._bookmarks:
            self._say(HERE)
        for job_ids in _chunks(list(cursors), JOBS_AT_ONCE):
            unread = [job_id for job_id in job_ids if job_id not in known]
            read = await self._feeds.source.jobs(unread, self._owner) if unread else []
            jobs = {**known, **dict(zip(unread, read, strict=True))}
            for job_id in job_ids:
                job = jobs[job_id]
                if job is None:
                    self._say_gone(job_id)
                else:
                    self._take_place(job, cursors[job_id])
                await self._flush(send)
                if self._over:
                    return

    def _take_place(self, job: Job, cursor: str | None) -> None:
        place = Place(self, job["id"])
        self._places.add(place)
        match = None if cursor is None else _CURSOR.fullmatch(cursor)
        if match is not None and int(match[1]) == self._generation and int(match[2]) <= job["seq"]:
            place.seq, place.lap_end = int(match[2]), job["seq"]
            place.lap_events = place.lap_end - place.seq
            if not self._bookmarks:
                self._say(HERE)  # there may be nothing new for long, and the reader waits for a first word
        else:
            self._say_snapshot(place, job, None if cursor is None else NOT_OURS)
        place.feed = self._feeds.join(job["id"], place)
        place.feed.begin(job["seq"])
        place.ring()

    async def _advance(self, place: Place) -> None:
        """One step for one job."""
        feed = place.feed
        assert feed is not None
        if feed.gone:
            self._say_gone(place.job_id)
            self._leave(place)
        elif place.seq < feed.first:
            await self._catch_up(place, feed)
            place.ring()
        elif place.seq < feed.seq:
            if not place.lap_events and feed.newest - place.seq > FAR_BEHIND_EVENTS:
                await self._start_again(place, TOO_SLOW)
            else:
                text, place.seq = feed.after(place.seq, PIECE_BYTES)
                self._say(text)
            place.ring()
        else:
            place.lap_events = 0
            self._arrived(place, feed)

    def _arrived(self, place: Place, feed: Feed) -> None:
        """It has all there is just now."""
        feed.read_on()
        if place.log_version != feed.log_version:
            place.log_version = feed.log_version
            self._say(feed.log_text)
        if feed.end is not None and place.seq == feed.seq:
            self._say(feed.end)
            self._leave(place)
        elif self._bookmarks and not place.marked and feed.attempt > 0:
            place.marked = True
            self._say_event(place.job_id, place.seq, "bookmark", {})

    async def _catch_up(self, place: Place, feed: Feed) -> None:
        """What the feed no longer holds comes from the store, as long as that leads anywhere."""
        if place.seq >= place.lap_end:
            behind = feed.seq - place.seq
            if behind > place.lap_events / 2:
                await self._start_again(place, TOO_SLOW)
                return
            place.lap_end, place.lap_events = feed.seq, behind
        try:
            while place.seq < feed.first and self._out_bytes < PIECE_BYTES:
                stretch = await self._feeds.source.stretch(place.job_id, place.seq, CATCH_UP_BYTES)
                if not stretch.whole:
                    await self._start_again(place, EXPIRED)
                    return
                for text in stretch.texts:
                    self._say(text)
                place.seq += len(stretch.texts)
        except Refusal:
            feed.gone = True

    async def _start_again(self, place: Place, reason: str) -> None:
        """A fresh snapshot instead of what would come late."""
        (job,) = await self._feeds.source.jobs([place.job_id], self._owner)
        if job is None:
            self._say_gone(place.job_id)
            self._leave(place)
            return
        self._say_snapshot(place, job, reason)
        place.log_version = 0
        place.marked = False

    def _leave(self, place: Place) -> None:
        self._places.discard(place)
        if place.feed is not None:
            self._feeds.leave(place.feed, place)

    def _say_snapshot(self, place: Place, job: Job, reset: str | None) -> None:
        place.seq, place.lap_events = job["seq"], 0
        if reset is not None:
            self._say_event(
                place.job_id, place.seq, "reset", {"reason": reset}, job["updated_at"], with_id=False
            )
        self._say_event(place.job_id, place.seq, "job", job, job["updated_at"])

    def _say_gone(self, job_id: str) -> None:
        """The same whether it never was, was removed, or is somebody else's."""
        if self._bookmarks:
            self._say_event(job_id, 0, "gone", {"reason": str(no_such_job())}, with_id=False)

    def _say_event(
        self, job_id: str, seq: int, type_: str, data: Job, at: str | None = None, *, with_id: bool = True
    ) -> None:
        event = event_of(job_id, (self._generation, seq), at or rfc3339(now()), type_, data)
        self._say(event_text(event, with_id=with_id))

    def _say(self, text: bytes) -> None:
        self._out.append(text)
        self._out_bytes += len(text)

    async def _flush(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Wait until the reader's socket has taken what is to be said, all but a piece of it."""
        if not self._out:
            return
        out, self._out, self._out_bytes = self._out, [], 0
        self._heartbeat_due = False
        text = out[0] if len(out) == 1 else b"".join(out)
        self.sending_since = self._loop.time()
        if len(text) <= PIECE_BYTES:
            await send(text)
        else:
            for piece in _pieces(text):
                if self._left:
                    break
                await send(piece)
                self.sending_since = self._loop.time()
        self.spoke_at = self._loop.time()
        self.sending_since = None


def _pieces(text: bytes) -> Iterable[bytes]:
    return (text[start : start + PIECE_BYTES] for start in range(0, len(text), PIECE_BYTES))


def _chunks(items: list[str], size: int) -> Iterable[list[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
