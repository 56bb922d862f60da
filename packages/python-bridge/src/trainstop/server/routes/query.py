"""Numbers in a URL's query."""

from __future__ import annotations

import re

from starlette.requests import Request

from trainstop.server.routes.answer import RequestError


def number_in(
    request: Request, name: str, default: int | None, *, minimum: int = 0, maximum: int = 2**53 - 1
) -> int | None:
    """A whole number within bounds. Raises RequestError."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,16}", text) or not minimum <= int(text) <= maximum:
        raise RequestError(
            422,
            "invalid_request",
            f"{name} must be a whole number from {minimum} to {maximum}.",
            field=name,
        )
    return int(text)
