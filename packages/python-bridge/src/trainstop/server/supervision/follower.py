"""From the journals into the store: each fact once, in order, whatever is killed in between."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.jobs import Jobs
from trainstop.server.jobs.supervised_job import ReadElsewhereError, SupervisedJob
from trainstop.server.store.store_error import StoreError
from trainstop.server.supervision.background import Background
from trainstop.server.supervision.checkpoint_verification import verify_checkpoint
from trainstop.server.supervision.journals import Batch, Journals

log = logging.getLogger("trainstop.server.supervision")

STORE_TROUBLE = (OSError, OperationalError, InterfaceError, NoConnectionError, StoreError)
"""A full disk, a busy or unreachable database: the fact is innocent and is recorded later."""


class Follower:
    def __init__(self, jobs: Jobs, background: Background, run: RunDir, job: SupervisedJob) -> None:
        self._jobs = jobs
        self._background = background
        self._run = run
        self._job_id = job.job_id
        self._attempt = job.attempt
        self._journals = Journals(run, job.offsets)
        self._suspect: Batch | None = None

    def has_news(self) -> bool:
        """Cheap, but asks the disk; callable from any thread."""
        return self._journals.changed()

    async def drain(self) -> None:
        """Record all there is in the journals. Raises when the store is in trouble; call it again then.

        A fact that the store refuses is logged and left out; it holds up neither the rest nor the job.
        """
        while True:
            read = self._journals.read if self._suspect is None else self._journals.read_one
            batch = await self._background.run(read)
            if not batch.offsets:
                if self._suspect is None:
                    return
                self._suspect = None
                continue
            await self._record(batch)
            if self._suspect is not None and self._journals.has_reached(self._suspect):
                self._suspect = None

    async def tell(self, type_: str, **fact: Any) -> None:
        """Record something that only the supervisor can know."""
        complete = {"at": rfc3339(now()), "type": type_, "source": "supervisor", **fact}
        await self._background.run(self._jobs.record, self._job_id, self._attempt, [complete], {})

    async def _record(self, batch: Batch) -> None:
        try:
            facts = [await self._verified(fact) for fact in batch.facts]
            await self._store(facts, batch)
        except STORE_TROUBLE:
            raise
        except ReadElsewhereError as error:
            log.warning("job %s: %s; reading on from there", self._job_id, error)
            self._journals.go_to(error.offsets)
            self._suspect = None
            return
        except Exception as error:
            if len(batch.facts) > 1:
                log.warning("job %s: one of %d facts does harm: %s", self._job_id, len(batch.facts), error)
                self._suspect = batch  # nothing was recorded: from here on one by one
                return
            log.exception("job %s: left out, as it can't be recorded: %.500r", self._job_id, batch.facts)
            await self._store([], batch)
        self._journals.advance(batch)

    async def _store(self, facts: list[dict[str, Any]], batch: Batch) -> None:
        since = self._journals.begin_of(batch)
        record = self._jobs.record
        await self._background.run(record, self._job_id, self._attempt, facts, batch.offsets, since)

    async def _verified(self, fact: dict[str, Any]) -> dict[str, Any]:
        if fact["type"] != "checkpoint":
            return fact
        return await self._background.run_long(verify_checkpoint, self._run, self._job_id, fact)
