"""Which jobs there are, and who of them has news."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from itertools import islice
from pathlib import Path

from trainstop.rundir.layout import server_wake
from trainstop.rundir.wake import WakeFile
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervised_job import SupervisedJob
from trainstop.server.jobs.waiting import TOLD_AT_ONCE
from trainstop.server.supervision.attempt import Attempt
from trainstop.server.supervision.background import Background
from trainstop.shim.job_cgroup import remove_leftovers

log = logging.getLogger("trainstop.server.supervision")

LOOK_SECONDS = 1.0
"""How often the store and the run directories are looked at without a poke: what a lost one may cost."""

FIRST_LOOKS = 32
"""How many jobs are looked at for the first time at once: a server that finds ten thousand of them is ready
as soon as with ten, and what is asked of one of them doesn't wait in that line."""
FIRST_LOOK_SECONDS = 2.0
"""A look that takes longer, say at a disk that doesn't answer, holds up the line no more."""

# More changes than this at once, and one question for all jobs is cheaper.
_MANY_CHANGES = 16


class Supervisor:
    """Supervises all jobs of `jobs` in `data_dir`, which the caller has claimed; `start` and `stop` in one
    event loop, once each.

    Takes `jobs.on_change` for itself while it runs.
    """

    def __init__(self, jobs: Jobs, data_dir: Path) -> None:
        self._jobs = jobs
        self._data_dir = data_dir.resolve()
        self._attempts: dict[str, Attempt] = {}
        self._line: dict[str, SupervisedJob] = {}
        """Those that nobody has looked at yet, in the order in which it is done."""
        self._first_looks = 0
        self._looking: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, SupervisedJob] = {}
        """Those whose job does not say yet what it waits for."""
        self._telling: asyncio.Task[None] | None = None
        self._changed: set[str] = set()
        self._store_changed = asyncio.Event()
        self._poked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._wake: WakeFile | None = None

    async def start(self) -> None:
        """Find all jobs again, from the store and the run directories alone, and go on with them.

        Returns when every one of them is being looked after or stands in line for that, without waiting for
        what is found. Raises what the store raises.
        """
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._background = Background()
        loop = asyncio.get_running_loop()

        def on_change(job_id: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody is there any more
                loop.call_soon_threadsafe(self._job_changed, job_id)

        self._jobs.on_change = on_change
        try:
            self._wake = WakeFile(server_wake(self._data_dir))
            loop.add_reader(self._wake, self._was_poked)
            await self._background.run_urgent(remove_leftovers)
            await self._adopt(await self._background.run_urgent(self._jobs.supervised))
        except BaseException:
            await self.stop()
            raise
        self._tasks = [asyncio.create_task(self._watch_store()), asyncio.create_task(self._watch_files())]

    async def stop(self) -> None:
        """Look no more, within a second. Training and shims go on; a later server finds them again."""
        self._jobs.on_change = None
        self._line.clear()
        self._waiting.clear()
        tasks = [*self._tasks, *self._looking, *([] if self._telling is None else [self._telling])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*[attempt.stop() for attempt in self._attempts.values()])
        self._attempts.clear()
        await self._background.stop()
        if self._wake is not None:
            asyncio.get_running_loop().remove_reader(self._wake)
            self._wake.close()
            self._wake = None

    def _job_changed(self, job_id: str) -> None:
        self._changed.add(job_id)
        self._store_changed.set()

    def _was_poked(self) -> None:
        assert self._wake is not None
        self._wake.drain()
        self._poked.set()

    async def _watch_store(self) -> None:
        """Changed jobs at once, all of them once a while: another server may share the store."""
        loop = asyncio.get_running_loop()
        next_look = loop.time() + LOOK_SECONDS
        while True:
            await _set_or_timeout(self._store_changed, next_look - loop.time())
            changed, self._changed = self._changed, set()
            try:
                if len(changed) > _MANY_CHANGES or loop.time() >= next_look:
                    begun = loop.time()
                    await self._adopt(await self._background.run_urgent(self._jobs.supervised))
                    # Of thousands of jobs the look itself takes long; there must be time for other work.
                    next_look = loop.time() + max(LOOK_SECONDS, 3 * (loop.time() - begun))
                    for attempt in self._attempts.values():
                        attempt.look()
                else:
                    for job_id in changed:
                        job = await self._background.run_urgent(self._jobs.supervised_job, job_id)
                        await self._adopt_one(job_id, job)
            except Exception:
                # The store is away, say. What was missed comes with the next look.
                log.exception("the jobs can't be read; trying again")
                next_look = loop.time() + LOOK_SECONDS

    async def _watch_files(self) -> None:
        while True:
            await _set_or_timeout(self._poked, LOOK_SECONDS)
            attempts = list(self._attempts.values())
            for attempt in await self._background.run(_those_with_news, attempts):
                attempt.follow()

    async def _adopt(self, jobs: list[SupervisedJob]) -> None:
        for job in jobs:
            await self._adopt_one(job.job_id, job, in_turn=True)
        named = {job.job_id for job in jobs}
        for job_id in self._attempts.keys() - named:
            await self._attempts.pop(job_id).stop()
        for job_id in self._line.keys() - named:
            del self._line[job_id]
        self._look_at_the_next()

    def _tell_what_they_wait_for(self) -> None:
        if self._waiting and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell_waiting())

    async def _tell_waiting(self) -> None:
        """Beside everything else: no launch waits for it."""
        while self._waiting:
            batch = dict(islice(self._waiting.items(), TOLD_AT_ONCE))
            for job_id in batch:
                del self._waiting[job_id]
            try:
                await self._background.run(self._jobs.tell_waiting, list(batch.values()))
            except Exception:
                log.exception("jobs that wait can't be told why; trying again")
                return  # the next look finds them again

    async def _adopt_one(self, job_id: str, job: SupervisedJob | None, *, in_turn: bool = False) -> None:
        if job is not None and not job.waiting_is_told and job.waits_for is not None:
            self._waiting[job_id] = job
            self._tell_what_they_wait_for()
        attempt = self._attempts.get(job_id)
        if attempt is not None and job is not None and attempt.job.attempt == job.attempt:
            attempt.update(job)
            return
        if attempt is not None:
            del self._attempts[job_id]
            await attempt.stop()
        if job is not None and (job.claimed or job.may_launch):  # whoever only waits costs nothing
            if in_turn and job.control is None:
                self._line[job_id] = job
            else:  # somebody asks something of it
                self._begin(job)

    def _begin(self, job: SupervisedJob) -> Attempt:
        self._line.pop(job.job_id, None)
        attempt = Attempt(self._jobs, self._background, self._data_dir, job)
        self._attempts[job.job_id] = attempt
        attempt.start()
        return attempt

    def _look_at_the_next(self) -> None:
        while self._line and self._first_looks < FIRST_LOOKS:
            self._first_looks += 1
            attempt = self._begin(self._line[next(iter(self._line))])
            look = asyncio.create_task(attempt.first_look(FIRST_LOOK_SECONDS))
            self._looking.add(look)
            look.add_done_callback(self._has_looked)

    def _has_looked(self, look: asyncio.Task[None]) -> None:
        self._looking.discard(look)
        self._first_looks -= 1
        self._look_at_the_next()


def _those_with_news(attempts: list[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.has_news()]


async def _set_or_timeout(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: before Python 3.12 it can swallow a cancellation, and a stop would never end.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    event.clear()
