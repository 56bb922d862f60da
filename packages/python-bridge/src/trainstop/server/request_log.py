"""Around every request: its id, the time of its arrival, one line of log, and no exception that gets out."""

from __future__ import annotations

import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainstop.rundir.clock import now, rfc3339
from trainstop.server.observability import log_context as context
from trainstop.server.observability.metrics import Metrics
from trainstop.server.routes.answer import refuse

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

FAILURE = "Something went wrong in the training server; its log tells more under this request's id."

logger = logging.getLogger("trainstop.requests")


class RequestLog:
    """ASGI middleware, outermost. An `X-Request-Id` that the caller sends is kept."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.monotonic()
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id, "arrived_at": rfc3339(now())}
        context.request_id.set(request_id)
        context.job_id.set(None)  # of an earlier request on this connection
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            logger.exception("the request failed")
            if status == 0:
                await refuse(scope, 500, "internal", FAILURE)(scope, receive, send_with_id)
        finally:
            # Never the query or a header: secrets might stand there.
            elapsed = round((time.monotonic() - begin) * 1000, 1)
            method, path = scope["method"], scope["path"]
            route = getattr(scope.get("route"), "path", None)
            self._metrics.request(route, method, status, elapsed / 1000)
            told = {"method": method, "path": path, "status": status, "duration_ms": elapsed}
            logger.info("%s %s %d %.1f ms", method, path, status, elapsed, extra=told)
