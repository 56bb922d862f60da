"""A run reports on itself, and hears what is asked of it."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from trainstop.protocol.report import ReportRequest
from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.fact_fields import is_timestamp
from trainstop.server.jobs.refusal import no_such_job
from trainstop.server.jobs.supervised_job import Fact
from trainstop.server.routes.answer import RequestError, answer
from trainstop.server.routes.asker import job_id_of
from trainstop.server.routes.body import parse, read_body
from trainstop.server.routes.context import context_of
from trainstop.server.security.caller import Caller, caller_of
from trainstop.server.supervision.checkpoint_verification import verify_checkpoint
from trainstop.server.supervision.long_reads import LongReads

MAX_BODY_BYTES = 512 * 1024
VERIFICATIONS = 1
"""Reports whose checkpoints are read at once: they may be large, and the disk is the training's."""

logger = logging.getLogger("trainstop.jobs")


class Reports:
    """`POST /jobs/{job_id}/report`"""

    def __init__(self) -> None:
        self._under_way: set[tuple[str, int]] = set()
        self._verifying: set[str] = set()
        self._long_reads: LongReads | None = None

    async def report(self, request: Request) -> Response:
        job_id, caller = job_id_of(request), caller_of(request.scope)
        if caller.kind != "worker":
            raise RequestError(403, "forbidden", "Only a run reports on itself, with TRAINSTOP_TOKEN.")
        if job_id != caller.job_id:
            raise no_such_job()
        wish = parse(ReportRequest, await read_body(request, limit=MAX_BODY_BYTES))
        if wish.attempt != caller.attempt:
            raise _wrong("attempt", f"must be {caller.attempt}, which the token was made for")
        key = job_id, wish.rank
        if key in self._under_way:
            raise RequestError(
                429, "rate_limited", "A report of this rank is still being taken; wait for its answer."
            )
        self._under_way.add(key)
        try:
            return await self._take(request, caller, job_id, wish)
        finally:
            self._under_way.discard(key)

    async def _take(self, request: Request, caller: Caller, job_id: str, wish: ReportRequest) -> Response:
        context = context_of(request)
        new = await context.call(context.jobs.new_in_report, job_id, wish)
        run = RunDir.of(context.data_dir, job_id, wish.attempt)
        if any(fact["type"] in ("checkpoint", "checkpoint_removed") for fact in new):
            new = await self._checked(run, job_id, new)
        known, command = await context.call(context.jobs.report, job_id, wish, new)
        return answer({"next_offset": known, "command": command})

    async def _checked(self, run: RunDir, job_id: str, facts: list[Fact]) -> list[Fact]:
        if job_id in self._verifying:
            raise RequestError(
                429, "rate_limited", "A checkpoint of this run is still being read; report again when it is."
            )
        if self._long_reads is None:
            self._long_reads = LongReads(VERIFICATIONS)
        self._verifying.add(job_id)
        try:
            return await self._long_reads.run(partial(_checked, run, job_id, facts))
        finally:
            self._verifying.discard(job_id)


def _checked(run: RunDir, job_id: str, facts: list[Fact]) -> list[Fact]:
    """The facts, those about checkpoints held against this machine's disk. Raises RequestError."""
    return [_checked_fact(run, job_id, fact) for fact in facts]


def _checked_fact(run: RunDir, job_id: str, fact: Fact) -> Fact:
    if fact["type"] not in ("checkpoint", "checkpoint_removed"):
        return fact
    at = fact["at"] if is_timestamp(fact.get("at")) else rfc3339(now())
    try:
        verified = verify_checkpoint(run, job_id, {**fact, "at": at})
    except ValueError:
        raise _wrong("facts", "name a checkpoint whose id none can have") from None
    except OSError as error:
        logger.warning("job %s: a reported checkpoint can't be read: %s", job_id, error)
        raise _wrong("facts", "name a checkpoint that can't be read on the server's disk") from None
    if fact["type"] == "checkpoint_removed":
        if Path(verified["path"]).exists():
            raise _wrong("facts", "say that a checkpoint was removed that is still there")
        return fact
    if not verified["verified"]:
        told = f"name the checkpoint {fact['checkpoint_id']}, which does not verify on the server's disk"
        raise _wrong("facts", f"{told}: {verified['problem']}")
    return verified


def _wrong(field: str, what: str) -> RequestError:
    return RequestError(422, "invalid_request", f"{field} {what}.", field=field)
