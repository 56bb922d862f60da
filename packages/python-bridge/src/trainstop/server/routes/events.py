"""Events as they happen: server-sent events of one job, or of a whole page of jobs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trainstop.protocol.events_request import EventsRequest
from trainstop.server.http_connection import CONNECTION
from trainstop.server.routes.asker import job_id_of, owner_of
from trainstop.server.routes.body import parse, read_body
from trainstop.server.routes.context import context_of
from trainstop.server.routes.stream import Job, Stream
from trainstop.server.routes.stream_counts import StreamCounts

_MANY_BYTES = 2 * 1024 * 1024
"""A body with as many jobs as may be, each with a cursor of the usual length."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


async def events(request: Request) -> Response:
    """`GET /jobs/{job_id}/events`, from `Last-Event-ID` or `?cursor=` on, else from a snapshot on."""
    context = context_of(request)
    job_id, owner = job_id_of(request), owner_of(request)
    cursor = request.headers.get("last-event-id") or request.query_params.get("cursor") or None
    # Before the first byte, so that a job that isn't there is an honest 404.
    job = await context.call(context.jobs.job, job_id, owner)
    stream = Stream(context.feeds, owner, bookmarks=False)
    return EventStream(stream, {job_id: cursor}, {job_id: job}, context.stream_counts)


async def events_of_many(request: Request) -> Response:
    """`POST /events`: of a job that isn't there (any more, or for this owner) it says `gone`."""
    context = context_of(request)
    owner = owner_of(request)
    wanted = parse(EventsRequest, await read_body(request, limit=_MANY_BYTES))
    stream = Stream(context.feeds, owner, bookmarks=True)
    return EventStream(stream, wanted.jobs, {}, context.stream_counts)


class EventStream(Response):
    """Hands a stream to ASGI: no task but the request's own and one that waits for the reader to go."""

    media_type = "text/event-stream"

    def __init__(
        self,
        stream: Stream,
        cursors: Mapping[str, str | None],
        known: Mapping[str, Job],
        counts: StreamCounts,
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._stream = stream
        self._cursors = cursors
        self._known = known
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

        async def write(text: bytes) -> None:
            self._counts.sent(text)
            await send({"type": "http.response.body", "body": text, "more_body": True})

        watch = asyncio.create_task(_until_gone(self._stream, receive))
        try:
            connection = scope["extensions"][CONNECTION]
            self._stream.cut, self._stream.unsent = connection["drop"], connection["unsent"]
            with self._counts.reader():
                await self._stream.run(self._cursors, self._known, write)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch


async def _until_gone(stream: Stream, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.end()
