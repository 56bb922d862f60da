"""From the journals into the store: each fact once, in order, whatever is killed in between."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervised_job import ReadElsewhereError, SupervisedJob
from trainstop.server.store.store_error import StoreError
from trainstop.server.supervision.background import Background
from trainstop.server.supervision.journals import Batch, Journals
from trainstop.server.supervision.unverified import Unverified

log = logging.getLogger("trainstop.server.supervision")

STORE_TROUBLE = (OSError, OperationalError, InterfaceError, NoConnectionError, StoreError)
"""A full disk, a busy or unreachable database: the fact is innocent and is recorded later."""


CHATTER_SECONDS = 0.25
"""Between two events of metrics, so that their readers get at most four a second and job."""
_CHATTER = frozenset({"metrics", "progress"})
_BACKLOG_FACTS = 1000
"""More than this at once was not written just now: it is taken in without delay, in few events."""


class Follower:
    def __init__(
        self,
        jobs: Jobs,
        background: Background,
        run: RunDir,
        job: SupervisedJob,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._background = background
        self._run = run
        self._job_id = job.job_id
        self._attempt = job.attempt
        self._journals = Journals(run, {})
        self._suspect: Batch | None = None
        self._clock = clock
        self._chatter_at = float("-inf")
        self._unverified = Unverified(run, job.job_id, {})
        self._knows_where = False
        """How far the store has got is asked when it is first needed, and not with every look at all jobs."""

    @property
    def verifies(self) -> bool:
        """Whether a checkpoint of this attempt was told that has not been read back yet."""
        return bool(self._unverified)

    def has_news(self) -> bool:
        """Cheap, but asks the disk; callable from any thread."""
        return not self._knows_where or self._journals.changed()

    async def drain(self, *, over: bool = True) -> None:
        """Record all there is in the journals. Raises when the store is in trouble; call it again then.

        Unless the run is `over`, metrics and progress alone, of however many ranks, are taken in at most four
        times a second: then `has_news` goes on to say that there is more. A fact that the store refuses is
        logged and left out; it holds up neither the rest nor the job.
        """
        await self._read_what_waits()
        while True:
            read = self._journals.read if self._suspect is None else self._journals.read_one
            batch = await self._background.run(read)
            if not batch.offsets:
                if self._suspect is None:
                    return
                self._suspect = None
                continue
            if self._suspect is None and _is_chatter(batch):
                moment = self._clock()
                if not over and moment < self._chatter_at + CHATTER_SECONDS:
                    self._journals.look_again()
                    return
                self._chatter_at = moment
            await self._record(batch)
            if self._suspect is not None and self._journals.has_reached(self._suspect):
                self._suspect = None

    async def tell(self, type_: str, **fact: Any) -> None:
        """Record something that only the supervisor can know."""
        await self._write([{"at": rfc3339(now()), "type": type_, "source": "supervisor", **fact}], {})

    async def verify(self) -> None:
        """Read back what was saved, and record it. May take minutes, in which everything else goes on."""
        await self._read_what_waits()
        while waiting := self._unverified.next():
            try:
                fact = await self._background.run_long(self._unverified.verified, waiting)
                await self._write([fact], waiting.done, waiting.begins)
            except STORE_TROUBLE:
                raise
            except ReadElsewhereError as error:
                log.warning("job %s: %s; reading on from there", self._job_id, error)
                self._unverified = Unverified(self._run, self._job_id, error.offsets)
                await self._read_what_waits()
                continue
            except Exception:
                log.exception("job %s: left out, as it can't be recorded: %.500r", self._job_id, waiting.fact)
                await self._write([], waiting.done)
            self._unverified.remove(waiting)

    async def _find_the_place(self) -> None:
        if self._knows_where:
            return
        offsets = await self._background.run(self._jobs.offsets, self._job_id, self._attempt)
        if not self._knows_where:  # drain and verify may both have asked
            self._journals.go_to(offsets)
            self._unverified = Unverified(self._run, self._job_id, offsets)
            self._knows_where = True

    async def _read_what_waits(self) -> None:
        await self._find_the_place()
        if not self._unverified.is_read:
            self._unverified.take(await self._background.run(self._unverified.read))

    async def _record(self, batch: Batch) -> None:
        """All but what must be verified first, which is noted with the journals' offsets."""
        await self._read_what_waits()
        now_, later = self._unverified.part(batch.facts)
        try:
            await self._write(now_, batch.offsets | later, self._begin_of(batch, later))
        except STORE_TROUBLE:
            raise
        except ReadElsewhereError as error:
            log.warning("job %s: %s; reading on from there", self._job_id, error)
            self._journals.go_to(error.offsets)
            self._unverified = Unverified(self._run, self._job_id, error.offsets)
            self._suspect = None
            return
        except Exception as error:
            if len(batch.facts) > 1:
                log.warning("job %s: one of %d facts does harm: %s", self._job_id, len(batch.facts), error)
                self._suspect = batch  # nothing was recorded: from here on one by one
                return
            log.exception("job %s: left out, as it can't be recorded: %.500r", self._job_id, batch.facts)
            await self._write([], batch.offsets, self._begin_of(batch, {}))
        self._journals.advance(batch)
        self._unverified.add(later)

    def _begin_of(self, batch: Batch, later: dict[str, int]) -> dict[str, int]:
        return self._journals.begin_of(batch) | self._unverified.begin_of(later)

    async def _write(
        self, facts: list[dict[str, Any]], offsets: dict[str, int], since: dict[str, int] | None = None
    ) -> None:
        record = self._jobs.record
        await self._background.run(record, self._job_id, self._attempt, facts, offsets, since)


def _is_chatter(batch: Batch) -> bool:
    """Nobody waits for any of it."""
    return len(batch.facts) <= _BACKLOG_FACTS and all(fact["type"] in _CHATTER for fact in batch.facts)
