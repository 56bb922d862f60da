"""One job's newest events: read from the store once, turned into text once, for all who read along."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from trainstop.rundir.clock import now, rfc3339
from trainstop.server.jobs.refusal import Refusal
from trainstop.server.routes.event_text import event_of, event_text

KEPT_EVENTS = 512
KEPT_BYTES = 256 * 1024
"""What a reader may be behind, in events and in bytes, and still find all of it here. An event that is
larger is kept alone."""
STRETCH_BYTES = 64 * 1024
"""Read at once: well below what is kept, so that readers have time to take it."""
RETRY_SECONDS = 1.0
"""After a reading that failed: the store is in trouble, and streams wait."""

MEMOS = 8
"""Pieces kept for the next reader who stands at the same place."""

logger = logging.getLogger("trainstop.streams")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What follows on a seq in the store, and where the job stands at the same moment."""

    texts: list[bytes]
    """The next events, each with the seq after the one before; not always all."""
    whole: bool
    """Every event after that seq is still there. False: retention took some."""
    seq: int
    """The job's newest."""
    attempt: int
    log_size: int
    """Bytes of the attempt's output, measured after the events were read."""
    end: bytes | None
    """What to say last; None while the job goes on."""


class Source(Protocol):
    """The store, from the event loop's side."""

    generation: int

    async def stretch(self, job_id: str, seq: int, limit: int) -> Stretch:
        """At least one event if there is one, more up to `limit` bytes. Raises Refusal when there is no such
        job (any more)."""


class Place(Protocol):
    """Where a reader stands."""

    seq: int

    def ring(self) -> None:
        """The feed has more, or is over."""


class Feed:
    """Holds the events (`first`, `seq`] as text, without a gap: a seq is all that a reader needs to keep.

    A reader that stands before `first` gets the rest from the store. The feed reads on as soon as one reader
    has all there is: the fastest sets the pace, and what the others may be behind is bounded. Lives in the
    event loop.
    """

    def __init__(self, job_id: str, source: Source) -> None:
        self.job_id = job_id
        self.places: set[Place] = set()
        self.first = self.seq = -1
        """Not begun."""
        self.newest = -1
        """The newest event in the store, as of the last reading."""
        self.end: bytes | None = None
        """What to say after the event `seq`."""
        self.gone = False
        """The job is no longer there."""
        self.attempt = 0
        """0: nothing was read yet."""
        self.log_version = 0
        """Grows with each `log_text`; 0 while there is none."""
        self.log_text = b""
        self._log_size = 0
        self._source = source
        self._texts: deque[bytes] = deque()
        self._bytes = 0
        self._joined: dict[int, tuple[bytes, int]] = {}
        self._news = False
        self._reading: asyncio.Task[None] | None = None

    def begin(self, seq: int) -> None:
        """Go on after this event, the newest that somebody knows of; nothing where the feed goes already."""
        if self.seq < 0:
            self.first = self.seq = self.newest = seq
            self.ring()

    def ring(self) -> None:
        """There is news in the store. Reads it, or reads again once the reading under way has ended."""
        self._news = True
        self.read_on()

    def read_on(self) -> None:
        """Read what there is news of, if somebody waits for it. For a reader who has got all that is here."""
        if self._news and self._reading is None and self.seq >= 0 and not self.gone:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def after(self, seq: int, limit: int) -> tuple[bytes, int]:
        """(text, seq of its last event) of the events after `seq`: at least one, more up to `limit` bytes.

        `first` <= seq < `self.seq`. The same bytes for all who stand at the same place.
        """
        found = self._joined.get(seq)
        if found is None:
            index = seq - self.first
            texts = [self._texts[index]]
            size = len(texts[0])
            for position in range(index + 1, len(self._texts)):
                size += len(self._texts[position])
                if size > limit:
                    break
                texts.append(self._texts[position])
            if len(self._joined) >= MEMOS:
                self._joined.clear()
            found = self._joined[seq] = b"".join(texts), seq + len(texts)
        return found

    def tell_log(self, attempt: int, size: int) -> None:
        """The attempt's output has this size: say so, where it is not what was said last."""
        same_attempt = attempt == self.attempt
        self.attempt = attempt
        if size == (self._log_size if same_attempt else 0):
            self._log_size = size
            return
        self._log_size = size
        position = self._source.generation, max(0, self.seq)
        log = event_of(self.job_id, position, rfc3339(now()), "log", {"attempt": attempt, "size": size})
        self.log_text = event_text(log, with_id=False)
        self.log_version += 1
        self._wake()

    async def _read(self) -> None:
        try:
            while self._news and any(place.seq >= self.seq for place in self.places):
                self._news = False
                try:
                    stretch = await self._source.stretch(self.job_id, self.seq, STRETCH_BYTES)
                except Refusal:
                    self.gone = True
                    self._wake()
                    return
                except Exception:
                    logger.exception("the events of job %s can't be read; trying again", self.job_id)
                    self._news = True
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                self._take(stretch)
        finally:
            self._reading = None

    def _take(self, stretch: Stretch) -> None:
        if stretch.whole:
            self._append(stretch.texts)
        else:
            # Whoever has not got this far by now begins anew.
            self._texts.clear()
            self._joined.clear()
            self._bytes = 0
            self.first = self.seq = stretch.seq
        self.newest = stretch.seq
        reached = self.seq >= stretch.seq
        if not reached:
            self._news = True
        elif stretch.attempt != self.attempt or stretch.end is not None:
            self.tell_log(stretch.attempt, stretch.log_size)
        self.end = stretch.end if reached else None
        self._wake()

    def _append(self, texts: list[bytes]) -> None:
        if texts:
            self._joined.clear()
        for text in texts:
            self._texts.append(text)
            self._bytes += len(text)
        self.seq += len(texts)
        while len(self._texts) > KEPT_EVENTS or (self._bytes > KEPT_BYTES and len(self._texts) > 1):
            self._bytes -= len(self._texts.popleft())
            self.first += 1

    def _wake(self) -> None:
        for place in self.places:
            place.ring()
