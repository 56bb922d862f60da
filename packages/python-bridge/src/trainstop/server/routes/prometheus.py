"""`GET /metrics`, for Prometheus: no part of the protocol, and never open."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from trainstop.server.routes.context import context_of


async def prometheus(request: Request) -> Response:
    context = context_of(request)
    text = await context.call(context.metrics.text)
    return Response(text, headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)
