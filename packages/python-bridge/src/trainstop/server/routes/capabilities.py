"""What the server can do."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trainstop import __version__
from trainstop.protocol import PROTOCOL_VERSION
from trainstop.server.routes.answer import answer
from trainstop.server.routes.context import context_of


async def capabilities(request: Request) -> Response:
    """`GET /capabilities`"""
    templates = context_of(request).jobs.templates
    return answer(
        {
            "protocol": PROTOCOL_VERSION,
            "server": {"name": "trainstop", "version": __version__},
            "templates": [template.wire() for template in templates.values()],
        }
    )
