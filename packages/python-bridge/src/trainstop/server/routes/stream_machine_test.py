"""Streams against a model: whatever is committed, read, stalled, trimmed and left in whatever order, every
reader hears each event once and in order, or is told that it did not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from trainstop.server.jobs.refusal import no_such_job
from trainstop.server.routes import feed as feed_module
from trainstop.server.routes import stream as stream_module
from trainstop.server.routes.broadcast import Broadcast
from trainstop.server.routes.event_text import event_of, event_text
from trainstop.server.routes.feed import Stretch
from trainstop.server.routes.feeds import Feeds
from trainstop.server.routes.stream import Stream

T = TypeVar("T")
AT = "2026-11-23T18:09:00.000Z"
OWNERS = ["ada", "bob"]


@dataclass
class ModelJob:
    id: str
    owner: str
    seq: int = 1
    events_from: int = 0
    status: str = "running"
    removed: bool = False
    log_size: int = 0

    def event(self, seq: int) -> dict[str, Any]:
        return event_of(self.id, (1, seq), AT, "metrics", {"of": self.owner, "number": seq})

    def snapshot(self) -> dict[str, Any]:
        return {"id": self.id, "owner": self.owner, "seq": self.seq, "generation": 1, "updated_at": AT}


class ModelStore:
    """Each call waits before it reads, and again before it answers, until the test lets it go on."""

    generation = 1

    def __init__(self) -> None:
        self.model: dict[str, ModelJob] = {}
        self.gates: list[asyncio.Future[None]] = []
        self.most_at_once = 0

    async def stretch(self, job_id: str, seq: int, limit: int) -> Stretch:
        return await self._slowly(lambda: self._stretch(job_id, seq))

    async def jobs(self, job_ids: Sequence[str], owner: str | None) -> list[dict[str, Any] | None]:
        return await self._slowly(lambda: [self._job(job_id, owner) for job_id in job_ids])

    async def log_sizes(self, attempts: Sequence[tuple[str, int]]) -> list[int]:
        return [self.model[job_id].log_size for job_id, _ in attempts]

    async def _slowly(self, read: Callable[[], T]) -> T:
        await self._gate()
        found = read()
        await self._gate()
        return found

    async def _gate(self) -> None:
        gate = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate

    def _stretch(self, job_id: str, seq: int) -> Stretch:
        job = self.model[job_id]
        if job.removed:
            raise no_such_job()
        numbers = range(max(seq, job.events_from) + 1, job.seq + 1)[:3]
        end = None
        if job.status != "running":
            end = event_text(event_of(job_id, (1, job.seq), AT, "end", {"status": job.status}))
        texts = [event_text(job.event(number)) for number in numbers]
        return Stretch(texts, seq >= job.events_from, job.seq, 1, job.log_size, end)

    def _job(self, job_id: str, owner: str | None) -> dict[str, Any] | None:
        job = self.model.get(job_id)
        return None if job is None or job.removed or owner not in (None, job.owner) else job.snapshot()


@dataclass
class Heard:
    """What one reader knows of one job, held to the rules with every event."""

    job: ModelJob | None
    seq: int | None = None
    snapshot_due: bool = False
    over: bool = False

    def take(self, event: dict[str, Any]) -> None:
        assert not self.over, f"after the end: {event}"
        type_, seq = event["type"], event["seq"]
        if type_ == "gone":
            self.over = True
            assert self.job is None or self.job.removed
            return
        assert self.job is not None, f"somebody else's: {event}"
        if type_ == "reset":
            self.snapshot_due = True
        elif type_ == "job":
            assert self.snapshot_due, f"a snapshot that nobody needs: {event}"
            self.snapshot_due, self.seq = False, seq
        elif type_ != "log":
            assert not self.snapshot_due
        if type_ == "metrics":
            assert self.seq is not None and seq == self.seq + 1, f"after {self.seq}: {event}"
            assert event == self.job.event(seq)
            self.seq = seq
        elif type_ == "bookmark":
            assert seq == self.seq
        elif type_ == "end":
            assert seq == self.seq == self.job.seq
            self.over = True


@dataclass
class Reader:
    stream: Stream
    heard: dict[str, Heard]
    slow: bool
    gate: asyncio.Future[None] | None = None
    task: asyncio.Task[None] | None = None
    gone: bool = False
    bookmarks: set[str] = field(default_factory=set)
    _rest: bytes = b""

    async def send(self, text: bytes) -> None:
        if self.slow:
            self.gate = asyncio.get_running_loop().create_future()
            await self.gate
            self.gate = None
        *blocks, self._rest = (self._rest + text).split(b"\n\n")
        for block in blocks:
            if block == b": here":
                continue
            lines = dict(line.split(b": ", 1) for line in block.split(b"\n"))
            event = json.loads(lines[b"data"])
            self.heard[event["job_id"]].take(event)
            if event["type"] == "bookmark":
                self.bookmarks.add(event["job_id"])


class Streams(RuleBasedStateMachine):
    jobs = Bundle("jobs")
    readers = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(feed_module, "KEPT_EVENTS", 4)
        self.patches.setattr(stream_module, "FAR_BEHIND_EVENTS", 12)
        self.patches.setattr(stream_module, "PIECE_BYTES", 300)
        self.loop = asyncio.new_event_loop()
        self.store = ModelStore()
        self.broadcast = Broadcast()
        self.all: list[Reader] = []
        self.loop.run_until_complete(self._open())
        self.feeds = Feeds(self.store, self.broadcast)

    async def _open(self) -> None:
        self.broadcast.open()

    def idle(self) -> None:
        async def turns() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        for reader in self.all:
            if reader.task is not None and reader.task.done():
                reader.task.result()

    @rule(target=jobs, owner=st.sampled_from(OWNERS))
    def a_job_is_started(self, owner: str) -> ModelJob:
        job = ModelJob(f"job_{len(self.store.model)}", owner)
        self.store.model[job.id] = job
        return job

    @rule(job=jobs, count=st.integers(1, 9))
    def events_are_committed(self, job: ModelJob, count: int) -> None:
        if job.status == "running" and not job.removed:
            job.seq += count
            self._tell(job)

    @rule(job=jobs)
    def a_job_ends(self, job: ModelJob) -> None:
        if job.status == "running" and not job.removed:
            job.seq += 1
            job.status = "completed"
            self._tell(job)

    @rule(job=jobs, keep=st.integers(0, 3))
    def retention_takes_events(self, job: ModelJob, keep: int) -> None:
        job.events_from = max(job.events_from, job.seq - keep)

    @rule(job=jobs)
    def a_job_is_removed(self, job: ModelJob) -> None:
        job.removed = True
        self._tell(job)

    @rule(job=jobs, size=st.integers(0, 5))
    def a_log_has_another_size(self, job: ModelJob, size: int) -> None:
        job.log_size = size

        async def look() -> None:
            for feed in self.feeds._feeds.values():
                if feed.attempt and feed.end is None:
                    feed.tell_log(feed.attempt, self.store.model[feed.job_id].log_size)

        self.loop.run_until_complete(look())

    @rule(
        target=readers,
        watched=st.lists(jobs, min_size=1, max_size=3, unique_by=lambda job: job.id),
        owner=st.sampled_from([None, *OWNERS]),
        back=st.none() | st.integers(0, 20),
        slow=st.booleans(),
    )
    def a_reader_comes(
        self, watched: list[ModelJob], owner: str | None, back: int | None, slow: bool
    ) -> Reader:
        cursors: dict[str, str | None] = {}
        heard: dict[str, Heard] = {}
        for job in watched:
            visible = owner in (None, job.owner) and not job.removed
            seq = None if back is None or not visible else max(0, job.seq - back)
            cursors[job.id] = None if seq is None else f"1.{seq}"
            # A job may also be removed before it is read.
            heard[job.id] = Heard(job if visible else None, seq, snapshot_due=seq is None)

        async def begin() -> Reader:
            reader = Reader(Stream(self.feeds, owner, bookmarks=True), heard, slow)
            reader.task = asyncio.create_task(reader.stream.run(cursors, {}, reader.send))
            return reader

        reader = self.loop.run_until_complete(begin())
        self.all.append(reader)
        return reader

    @rule(data=st.data())
    def the_store_goes_on(self, data: st.DataObject) -> None:
        if self.store.gates:
            self._open_gate(data.draw(st.integers(0, len(self.store.gates) - 1)))

    @rule(reader=readers)
    def a_slow_reader_takes_something(self, reader: Reader) -> None:
        if reader.gate is not None and not reader.gate.done():
            reader.gate.set_result(None)
        self.idle()

    @rule(reader=readers)
    def a_reader_goes(self, reader: Reader) -> None:
        reader.gone = True
        reader.stream.end()
        if reader.gate is not None and not reader.gate.done():
            reader.gate.set_result(None)
        self.idle()

    @rule()
    def bookmarks_are_due(self) -> None:
        for reader in self.all:
            reader.stream.bookmark()
        self.idle()

    @invariant()
    def no_more_is_held_than_is_allowed(self) -> None:
        for feed in self.feeds._feeds.values():
            assert feed.seq - feed.first == len(feed._texts) <= 4
            assert feed.places

    def teardown(self) -> None:
        try:
            for reader in self.all:
                reader.slow = False
            while True:
                waiting = [r.gate for r in self.all if r.gate is not None and not r.gate.done()]
                for gate in waiting:
                    gate.set_result(None)
                while self.store.gates:
                    self._open_gate(0)
                self.idle()
                if not self.store.gates and not waiting:
                    break
            for reader in self.all:
                assert reader.task is not None
                if reader.gone:
                    assert reader.task.done()
                    continue
                for heard in reader.heard.values():
                    if not heard.over:
                        assert heard.job is not None
                        assert heard.job.status == "running" and heard.seq == heard.job.seq
                        assert heard.job.id in reader.bookmarks
                        assert not heard.job.removed
                assert reader.task.done() == all(heard.over for heard in reader.heard.values())
            self.feeds.close()
            self.idle()
            assert all(reader.task is not None and reader.task.done() for reader in self.all)
            assert not self.feeds._feeds and not self.broadcast._bells
        finally:
            self.loop.close()
            self.patches.undo()

    def _open_gate(self, index: int) -> None:
        gate = self.store.gates.pop(index)
        if not gate.done():
            gate.set_result(None)
        self.idle()

    def _tell(self, job: ModelJob) -> None:
        self.broadcast.tell(job.id)
        self.idle()


Streams.TestCase.settings = settings(deadline=None, max_examples=100, stateful_step_count=50)
TestStreams = Streams.TestCase
