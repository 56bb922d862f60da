"""One job's events as they happen: server-sent events, read from the store by seq."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trainstop.rundir.clock import now, rfc3339
from trainstop.rundir.layout import RunDir
from trainstop.server.jobs.reading import Events
from trainstop.server.routes.answer import to_json
from trainstop.server.routes.asker import job_id_of, owner_of
from trainstop.server.routes.broadcast import Listener, size_of
from trainstop.server.routes.context import Context, context_of

BATCH = 200
"""Events that a reader holds in memory at most."""
HEARTBEAT_SECONDS = 10.0
"""Silence after which a comment says that the server is there; clients take 30 seconds of it for death."""
HERE = b": here\n\n"
"""A comment, which no reader takes for an event."""
_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})")
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


async def events(request: Request) -> Response:
    """`GET /jobs/{job_id}/events`, from `Last-Event-ID` or `?cursor=` on, else from a snapshot on."""
    context = context_of(request)
    job_id, owner = job_id_of(request), owner_of(request)
    cursor = request.headers.get("last-event-id") or request.query_params.get("cursor") or None
    # Before the first byte, so that a job that isn't there is an honest 404.
    job = await context.call(context.jobs.job, job_id, owner)
    stream = _Stream(context, job_id, owner)
    return StreamingResponse(stream.messages(job, cursor), headers=_HEADERS, media_type="text/event-stream")


class _Stream:
    """One reader. Slow or fast, it reads the store at its own pace and misses nothing."""

    def __init__(self, context: Context, job_id: str, owner: str | None) -> None:
        self._context = context
        self._job_id = job_id
        self._owner = owner
        self._seq = 0
        """Up to here everything was sent."""
        self._log_told: tuple[int, int] | None = None

    async def messages(self, job: dict[str, Any], cursor: str | None) -> AsyncIterator[bytes]:
        # Listening before the first word: whoever has heard that word is sure to be told of what comes.
        with self._context.broadcast.listen(self._job_id) as listener:
            for message in self._beginning(job, cursor):
                yield message
            while not self._context.broadcast.closing:
                listener.news.clear()
                batch = await self._context.call(
                    self._context.jobs.events_after, self._job_id, self._owner, self._seq, BATCH
                )
                for event in batch.events:
                    yield _message(event, with_id=True)
                    self._seq = event["seq"]
                if self._seq < batch.seq:
                    continue
                log = await self._log(listener, batch)
                if log is not None:
                    yield log
                if batch.final:
                    yield self._event("end", {"status": batch.status}, batch.updated_at, with_id=True)
                    return
                if not await _rings(listener):
                    yield HERE

    def _beginning(self, job: dict[str, Any], cursor: str | None) -> list[bytes]:
        """Where the reader goes on, or a snapshot to begin with."""
        if cursor is not None:
            match = _CURSOR.fullmatch(cursor)
            if match is not None and int(match[1]) == job["generation"] and int(match[2]) <= job["seq"]:
                self._seq = int(match[2])
                return [HERE]  # there may be nothing new for long, and the reader waits for a first word
        self._seq = job["seq"]
        snapshot = self._event("job", job, job["updated_at"], with_id=True)
        if cursor is None:
            return [snapshot]
        reason = "The cursor is none of this store's; what was built on it may never have been."
        return [self._event("reset", {"reason": reason}, job["updated_at"], with_id=False), snapshot]

    async def _log(self, listener: Listener, batch: Events) -> bytes | None:
        """A `log` event, when the output of the current attempt has another size than was told."""
        path = RunDir.of(self._context.data_dir, self._job_id, batch.attempt).output
        if listener.log != path or batch.final:
            listener.log = path
            listener.log_size = await self._context.call(size_of, path)
        told = (batch.attempt, listener.log_size)
        if told == (self._log_told or (batch.attempt, 0)):
            return None
        self._log_told = told
        return self._event("log", {"attempt": told[0], "size": told[1]}, rfc3339(now()), with_id=False)

    def _event(self, type_: str, data: dict[str, Any], at: str, *, with_id: bool) -> bytes:
        generation = self._context.jobs.generation
        event = {
            "job_id": self._job_id,
            "generation": generation,
            "seq": self._seq,
            "at": at,
            "type": type_,
            "data": data,
        }
        return _message(event, with_id=with_id)


async def _rings(listener: Listener) -> bool:
    """Wait for news; False after a silence that needs a heartbeat."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            await listener.news.wait()
    except TimeoutError:
        return False
    return True


def _message(event: dict[str, Any], *, with_id: bool) -> bytes:
    id_ = f"id: {event['generation']}.{event['seq']}\n" if with_id else ""
    return f"{id_}event: {event['type']}\ndata: ".encode() + to_json(event) + b"\n\n"
